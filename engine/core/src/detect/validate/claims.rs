//! What a JSON web token says of itself: whom it is for, how long it is good for, what it allows. Nothing is verified, for a token
//! that leaks is a danger to whoever accepts it, whether or not its signature could be checked here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::Validator;
use super::jwt::Jwt;

/// The claims of a token; `None` if it is none.
fn claims(text: &[u8]) -> Option<Map<String, Value>> {
    if !Jwt.accepts(text) {
        return None;
    }
    let payload = text.split(|byte| *byte == b'.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Strings of a claim that may be one or a list; words of a list written with spaces, as scopes are.
fn strings(claim: Option<&Value>) -> Vec<&str> {
    match claim {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A token for an audience (`aud`) that is not the server it goes to: somebody else's token, passed through.
///
/// Without a declared server, and without an audience, nothing is said.
#[derive(Debug)]
pub(super) struct OtherAudience;

impl Validator for OtherAudience {
    fn name(&self) -> &'static str {
        "jwt-other-audience"
    }

    fn accepts(&self, _: &[u8]) -> bool {
        false
    }

    fn accepts_for(&self, text: &[u8], server: Option<&str>) -> bool {
        let Some((server, claims)) = server.zip(claims(text)) else { return false };
        let audiences = strings(claims.get("aud"));
        !audiences.is_empty() && !audiences.iter().any(|audience| same(audience, server))
    }
}

/// Whether two identifiers of a server are the same: equal but for case and a slash at the end, or URLs of one host and port,
/// one path of which begins with the other.
fn same(audience: &str, server: &str) -> bool {
    let (audience, server) = (split(audience), split(server));
    let below = |whole: &str, part: &str| {
        whole.strip_prefix(part).is_some_and(|rest| rest.is_empty() || part.is_empty() || rest.starts_with('/'))
    };
    audience.0.eq_ignore_ascii_case(server.0) && (below(server.1, audience.1) || below(audience.1, server.1))
}

/// Host with port, and path without the slash at its end.
fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = if url.len() == rest.len() { host } else { host.trim_end_matches(":443") };
    (host, path.trim_end_matches('/'))
}

/// A token without an end (`exp`), or good for more than a year from when it was issued (`iat`, else `nbf`).
#[derive(Debug)]
pub(super) struct LongLived;

/// Seconds of a year and a day.
const YEAR: f64 = 366.0 * 86_400.0;

impl Validator for LongLived {
    fn name(&self) -> &'static str {
        "jwt-long-lived"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        let Some(claims) = claims(text) else { return false };
        let time = |name: &str| claims.get(name).and_then(Value::as_f64);
        match (time("exp"), time("iat").or(time("nbf"))) {
            (None, _) => true,
            (Some(end), Some(start)) => end - start > YEAR,
            (Some(_), None) => false,
        }
    }
}

/// A token that allows everything: a scope that is `*`, ends in `:*` or `.*`, or speaks of an administrator.
#[derive(Debug)]
pub(super) struct WideScope;

impl Validator for WideScope {
    fn name(&self) -> &'static str {
        "jwt-wide-scope"
    }

    fn accepts(&self, text: &[u8]) -> bool {
        let Some(claims) = claims(text) else { return false };
        ["scope", "scp", "scopes", "permissions", "roles"]
            .into_iter()
            .flat_map(|name| strings(claims.get(name)))
            .flat_map(|scopes| scopes.split([' ', ',']))
            .any(|scope| {
                scope == "*"
                    || scope.ends_with(":*")
                    || scope.ends_with(".*")
                    || scope.split([':', '.', '/', '_', '-']).any(|part| part.eq_ignore_ascii_case("admin"))
                    || scope.eq_ignore_ascii_case("superuser")
                    || scope.eq_ignore_ascii_case("root")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Vec<u8> {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part("{\"alg\":\"ES256\"}"), part(claims), part("made up")).into_bytes()
    }

    #[test]
    fn a_token_for_somebody_else_is_told_from_ones_own() {
        let server = "https://mcp.example.com/v1/mcp";
        let other = |claims: &str| OtherAudience.accepts_for(&token(claims), Some(server));
        for own in [
            r#"{"aud":"https://mcp.example.com/v1/mcp"}"#,
            r#"{"aud":"https://mcp.example.com/"}"#,
            r#"{"aud":["https://other.example","https://MCP.example.com:443/v1"]}"#,
            r#"{"sub":"no audience"}"#,
        ] {
            assert!(!other(own), "{own}");
        }
        for foreign in [
            r#"{"aud":"https://graph.example.net"}"#,
            r#"{"aud":"https://mcp.example.com.evil.example/v1/mcp"}"#,
            r#"{"aud":"https://mcp.example.com/v2"}"#,
            r#"{"aud":["a-client-id"]}"#,
        ] {
            assert!(other(foreign), "{foreign}");
        }
        assert!(!OtherAudience.accepts_for(&token(r#"{"aud":"x"}"#), None), "no server was declared");
        assert!(!OtherAudience.accepts_for(b"no.to.ken", Some(server)));
    }

    #[test]
    fn lifetimes_and_scopes() {
        for (claims, long) in [
            (r#"{"iat":1700000000,"exp":1700003600}"#, false),
            (r#"{"iat":1700000000,"exp":1800000000}"#, true),
            (r#"{"exp":1800000000}"#, false),
            (r#"{"iat":1700000000}"#, true),
        ] {
            assert_eq!(LongLived.accepts(&token(claims)), long, "{claims}");
        }
        for (claims, wide) in [
            (r#"{"scope":"read write"}"#, false),
            (r#"{"scope":"openid repo:*"}"#, true),
            (r#"{"scp":["user.read","directory.admin"]}"#, true),
            (r#"{"roles":["administrators-list.read"]}"#, false),
            (r#"{"permissions":["*"]}"#, true),
        ] {
            assert_eq!(WideScope.accepts(&token(claims)), wide, "{claims}");
        }
    }
}
