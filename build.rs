//! Makes Rust from `proto/` (by protox: no protoc, no network) and stamps the source revision.

use std::path::{Path, PathBuf};
use std::{env, fs};

use prost::Message;

const PROTOS: [&str; 4] = [
    "proto/tamiz/v1/inspection.proto",
    "proto/tamiz/v1/catalog.proto",
    "proto/tamiz/v1/transform.proto",
    "proto/tamiz/v1/conversation.proto",
];

const HOLD_CONTENT: [&str; 17] = [
    "InspectRequest",
    "InspectResponse",
    "InspectStreamResponse",
    "InspectTextRequest",
    "InspectTextResponse",
    "ConversationTurn",
    "Finding",
    "TransformRequest",
    "TransformResponse",
    "SpotlightResult",
    "RevealRequest",
    "RevealResponse",
    "UnspotlightRequest",
    "UnspotlightResponse",
    "Listing",
    "CheckCallRequest",
    "CheckResultRequest",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);

    let descriptors = protox::compile(PROTOS, ["proto"])?;
    fs::write(out.join("tamiz_descriptor.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".")
        .extern_path(".google.rpc", "::tonic_types::pb")
        // These hold content; grpc/mod.rs gives them a Debug that does not show it.
        .skip_debug(HOLD_CONTENT.map(|message| format!(".tamiz.v1.{message}")))
        .emit_rerun_if_changed(false)
        .compile_fds(descriptors)?;

    // Not a TAMIZ_ name: cargo also sets it for the programs it runs, and those are settings to us.
    println!("cargo:rustc-env=SOURCE_REVISION={}", revision().unwrap_or_else(|| "unknown".into()));
    Ok(())
}

/// The commit that is checked out, read from `.git` so that no git has to be installed. A source archive has none.
fn revision() -> Option<String> {
    let mut git = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR")?).join(".git");
    if git.is_file() {
        // A worktree: the file names the folder.
        git = PathBuf::from(fs::read_to_string(&git).ok()?.strip_prefix("gitdir: ")?.trim());
    }
    let common = fs::read_to_string(git.join("commondir")).map_or_else(|_| git.clone(), |dir| git.join(dir.trim()));
    let head = watched(&git.join("HEAD"))?;
    let commit = match head.strip_prefix("ref: ") {
        None => head,
        Some(branch) => watched(&common.join(branch)).or_else(|| {
            let packed = watched(&common.join("packed-refs"))?;
            packed.lines().find_map(|line| line.strip_suffix(branch)?.strip_suffix(' ').map(str::to_owned))
        })?,
    };
    commit.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| commit.chars().take(12).collect())
}

fn watched(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    println!("cargo:rerun-if-changed={}", file.display());
    Some(text.trim().to_owned())
}
