//! Execution providers: on what ONNX Runtime computes.

use std::fmt;
use std::str::FromStr;

use ort::ep::{self, ExecutionProviderDispatch};
use tamiz_core::Graph;

/// On what a model runs. Written `cpu`, `cuda:0`, `tensorrt:0`, `openvino`, `coreml`, `directml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provider {
    /// The processor.
    Cpu,
    /// An NVIDIA GPU, by number. Needs the library of `onnxruntime-gpu`.
    Cuda(i32),
    /// An NVIDIA GPU by TensorRT, by number.
    TensorRt(i32),
    /// Intel's OpenVINO. Needs the library of `onnxruntime-openvino`.
    OpenVino,
    /// Apple's Core ML.
    CoreMl,
    /// DirectML on Windows.
    DirectMl,
}

impl Provider {
    /// The name without a number, as cards have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda(_) => "cuda",
            Self::TensorRt(_) => "tensorrt",
            Self::OpenVino => "openvino",
            Self::CoreMl => "coreml",
            Self::DirectMl => "directml",
        }
    }

    /// Whether it computes on something that is worth large batches.
    pub(crate) fn is_device(self) -> bool {
        !matches!(self, Self::Cpu | Self::OpenVino)
    }

    /// The graph to run on it: the first that is meant for it, else one in fp32, which runs everywhere.
    pub(crate) fn graph(self, graphs: &[Graph]) -> Option<&Graph> {
        let meant = |graph: &&Graph| graph.providers.iter().any(|name| name == self.name());
        graphs.iter().find(meant).or_else(|| graphs.iter().find(|graph| graph.precision == "fp32"))
    }

    /// One that must register, or the session is not made.
    pub(crate) fn dispatch(self) -> ExecutionProviderDispatch {
        match self {
            // The arena keeps what a run took for the next: windows are small and alike.
            Self::Cpu => ep::CPU::default().with_arena_allocator(true).build(),
            Self::Cuda(device) => ep::CUDA::default().with_device_id(device).build(),
            Self::TensorRt(device) => ep::TensorRT::default().with_device_id(device).with_fp16(true).build(),
            Self::OpenVino => ep::OpenVINO::default().with_device_type("CPU").with_num_threads(1).build(),
            Self::CoreMl => ep::CoreML::default().build(),
            Self::DirectMl => ep::DirectML::default().build(),
        }
        .error_on_failure()
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cuda(device) | Self::TensorRt(device) => write!(f, "{}:{device}", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, device) = text.split_once(':').map_or((text, None), |(name, device)| (name, Some(device)));
        let number = || match device {
            None => Ok(0),
            Some(device) => match device.parse() {
                Ok(number @ 0..=255) => Ok(number),
                _ => Err(format!("`{text}`: a device has a number from 0 to 255, as cuda:0")),
            },
        };
        let plain = |provider| {
            if device.is_some() { Err(format!("`{text}`: {name} takes no device number")) } else { Ok(provider) }
        };
        match name {
            "cpu" => plain(Self::Cpu),
            "cuda" => number().map(Self::Cuda),
            "tensorrt" => number().map(Self::TensorRt),
            "openvino" => plain(Self::OpenVino),
            "coreml" => plain(Self::CoreMl),
            "directml" => plain(Self::DirectMl),
            _ => Err(format!(
                "`{text}` is no provider; there are cpu, cuda:N, tensorrt:N, openvino, coreml and directml"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["cpu", "cuda:0", "cuda:3", "tensorrt:1", "openvino", "coreml", "directml"] {
            assert_eq!(name.parse::<Provider>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse(), Ok(Provider::Cuda(0)));
        for wrong in ["gpu", "cpu:1", "cuda:x", "cuda:-1", ""] {
            assert!(wrong.parse::<Provider>().is_err(), "{wrong}");
        }
    }
}
