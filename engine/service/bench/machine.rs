//! What the machine says of itself, as far as it matters to speed.

use std::fs;

/// The processor's name.
pub(super) fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = info.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    // Arm names no model, only numbers.
    value("model name").or_else(|| value("CPU part")).map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |name| if std::env::consts::ARCH == "x86_64" { name } else { format!("{} {name}", std::env::consts::ARCH) },
    )
}

/// Threads that can run at once.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The instruction sets that matchers have kernels for, of those that are there.
#[must_use]
pub fn features() -> Vec<&'static str> {
    let mut there = Vec::new();
    #[cfg(target_arch = "x86_64")]
    for (name, has) in [
        ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("bmi2", std::arch::is_x86_feature_detected!("bmi2")),
        ("avx512bw", std::arch::is_x86_feature_detected!("avx512bw")),
        ("avx512vbmi", std::arch::is_x86_feature_detected!("avx512vbmi")),
        ("gfni", std::arch::is_x86_feature_detected!("gfni")),
    ] {
        if has {
            there.push(name);
        }
    }
    #[cfg(target_arch = "aarch64")]
    there.push("neon");
    there
}
