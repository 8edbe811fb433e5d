//! Paths that lead out of where they should stay, and to what nobody hands to a tool.

use super::purpose::Purpose;

type Found = Vec<(&'static str, String)>;

/// Files that hold credentials or accounts: what they end with, or what is in them.
const CREDENTIALS: &[(&str, &str)] = &[
    ("/.ssh/", "SSH keys"),
    (".ssh/id_", "SSH keys"),
    ("/id_rsa", "SSH keys"),
    ("/id_ed25519", "SSH keys"),
    ("/.aws/credentials", "AWS credentials"),
    ("/.aws/config", "AWS credentials"),
    ("/.config/gcloud/", "Google Cloud credentials"),
    ("/.azure/", "Azure credentials"),
    ("/.kube/config", "Kubernetes credentials"),
    ("/.docker/config.json", "registry credentials"),
    ("/docker.sock", "the Docker socket"),
    ("/.netrc", "passwords"),
    ("/.npmrc", "registry credentials"),
    ("/.pypirc", "registry credentials"),
    ("/.git-credentials", "Git passwords"),
    ("/.pgpass", "database passwords"),
    ("/.my.cnf", "database passwords"),
    ("/.gnupg/", "PGP keys"),
    ("/.vault-token", "a Vault token"),
    ("/.bash_history", "a shell's history"),
    ("/.zsh_history", "a shell's history"),
    ("/etc/passwd", "accounts"),
    ("/etc/shadow", "password hashes"),
    ("/etc/sudoers", "who may be root"),
    ("/proc/self/environ", "a process's environment"),
    ("/proc/1/environ", "a process's environment"),
    ("/var/run/secrets/", "service account tokens"),
    ("/run/secrets/", "secrets"),
    ("/windows/system32/config/sam", "password hashes"),
    ("/windows/win.ini", "system files"),
    ("claude_desktop_config.json", "configuration of MCP servers"),
    ("/.cursor/mcp.json", "configuration of MCP servers"),
    ("/login data", "a browser's passwords"),
    ("/cookies.sqlite", "a browser's cookies"),
];

pub(super) fn check(text: &str, purpose: Purpose, found: &mut Found) {
    if purpose == Purpose::Prose {
        return;
    }
    let plain = text.to_ascii_lowercase().replace('\\', "/");
    let decoded = decoded(&plain);
    if purpose != Purpose::Program {
        traversal(&plain, &decoded, found);
    }
    // A name alone is as good as a path: `.env`, `id_rsa`.
    let rooted = format!("/{decoded}");
    let named = CREDENTIALS.iter().find(|(path, _)| rooted.contains(path)).map(|(_, what)| *what);
    let environment = || {
        let mut names = rooted.split(['/', ' ', '"', '\'']);
        names
            .any(|name| name == ".env" || name == ".env.local" || name == ".env.production")
            .then_some("secrets of an application")
    };
    if let Some(what) = named.or_else(environment) {
        found.push(("tool-misuse.credential-path", format!("it names a file with {what}")));
    }
}

fn traversal(plain: &str, decoded: &str, found: &mut Found) {
    if plain.contains('\0') || decoded.contains('\0') {
        return found.push(("tool-misuse.path-traversal", "a zero byte ends the path for some readers".into()));
    }
    let climbs = |text: &str| text.split(['/', ' ', '=']).filter(|step| *step == "..").count();
    let dotted = ["..;/", "....//", "..././"].iter().any(|trick| decoded.contains(trick));
    if dotted || climbs(decoded) > climbs(plain) {
        return found
            .push(("tool-misuse.path-traversal", "it leads upwards, and is written so as not to look like it".into()));
    }
    // `../sibling` is how people write paths; two steps up and more leave any project.
    if climbs(decoded) >= 2 {
        found.push(("tool-misuse.path-traversal", "it leads upwards, out of any folder it starts in".into()));
    }
}

/// Percent signs undone up to three times, overlong and full-width forms made plain.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..3 {
        let mut next = text.clone();
        for (form, plain) in [
            ("%25", "%"),
            ("%2e", "."),
            ("%2f", "/"),
            ("%5c", "/"),
            ("%00", "\0"),
            ("%c0%ae", "."),
            ("%c0%af", "/"),
            ("%e0%80%ae", "."),
            ("%uff0e", "."),
            ("%u2215", "/"),
            ("．", "."),
            ("／", "/"),
            ("∕", "/"),
            ("\\u002e", "."),
        ] {
            if next.contains(form) {
                next = next.replace(form, plain);
            }
        }
        if next == text {
            break;
        }
        text = next;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str, purpose: Purpose) -> Vec<&'static str> {
        let mut found = Vec::new();
        check(text, purpose, &mut found);
        found.into_iter().map(|(rule, _)| rule).collect()
    }

    #[test]
    fn paths_that_lead_out_are_found_in_every_form() {
        for text in [
            "../../secret",
            "a/../../../b",
            "..\\..\\windows",
            "%2e%2e/x",
            "..%2fx",
            "%252e%252e%252fx",
            "..%c0%afx",
            "．．/x",
            "....//....//x",
            "a.png\0.txt",
            "a%00.png",
            "file:///a/../../b",
        ] {
            assert_eq!(rules(text, Purpose::File), ["tool-misuse.path-traversal"], "{text:?}");
        }
        for text in
            ["../sibling/a.rs", "a/b..c/d", "notes/2024..2025.md", "100%", "a%20b.txt", "", "...", "src/**/*.rs"]
        {
            assert!(rules(text, Purpose::File).is_empty(), "{text:?}");
        }
        assert!(rules("cd ../../x && make", Purpose::Program).is_empty());
    }

    #[test]
    fn files_with_credentials_are_known() {
        for text in [
            "/etc/passwd",
            "~/.ssh/id_rsa",
            "C:\\Users\\x\\.aws\\credentials",
            ".env",
            "app/.env.production",
            "/proc/self/environ",
        ] {
            assert_eq!(rules(text, Purpose::File), ["tool-misuse.credential-path"], "{text}");
        }
        assert_eq!(rules("cat ~/.ssh/id_rsa", Purpose::Program), ["tool-misuse.credential-path"]);
        for text in [".env.example", "src/environment.ts", "docs/ssh.md", "etc/passwords.md"] {
            assert!(rules(text, Purpose::File).is_empty(), "{text}");
        }
        assert!(rules("How does /etc/passwd work?", Purpose::Prose).is_empty());
    }
}
