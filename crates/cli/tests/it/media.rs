//! Real media, made by ffmpeg.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Whether `tool` is installed; says which test is left out when not.
///
/// With `ARGOSY_REQUIRE_TOOLS` set, a missing tool fails the test instead.
pub(crate) fn has(tool: &str, test: &str) -> bool {
    let found = Command::new(tool)
        .arg(if tool == "chromium" { "--version" } else { "-version" })
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        assert!(
            std::env::var_os("ARGOSY_REQUIRE_TOOLS").is_none(),
            "{test} needs {tool}, which is not installed"
        );
        // Past the capture of the test harness: the person who runs the tests must see it.
        let _ = writeln!(std::io::stderr(), "LEFT OUT: {test}: {tool} is not installed");
    }
    found
}

fn ffmpeg(args: &[&str], output: &Path) -> PathBuf {
    let done = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(args)
        .arg(output)
        .output()
        .expect("ffmpeg starts");
    assert!(done.status.success(), "ffmpeg: {}", String::from_utf8_lossy(&done.stderr));
    output.to_path_buf()
}

/// Half a minute of H.264 with sound, index in front; at least `bytes` long by its bit rate.
pub(crate) fn mp4(folder: &Path) -> PathBuf {
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=640x360:rate=25:duration=30,noise=alls=40:allf=t",
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:duration=30",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-b:v",
            "9M",
            "-minrate",
            "9M",
            "-maxrate",
            "9M",
            "-bufsize",
            "9M",
            "-x264-params",
            "nal-hrd=cbr",
            "-g",
            "50",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
            "-movflags",
            "+faststart",
        ],
        &folder.join("talk.mp4"),
    )
}

/// VP8 in WebM.
pub(crate) fn webm(folder: &Path) -> PathBuf {
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=640x360:rate=25:duration=30,noise=alls=60:allf=t",
            "-c:v",
            "libvpx",
            "-deadline",
            "realtime",
            "-cpu-used",
            "16",
            "-b:v",
            "10M",
            "-minrate",
            "10M",
            "-maxrate",
            "10M",
            "-g",
            "50",
        ],
        &folder.join("talk.webm"),
    )
}

/// A picture.
pub(crate) fn png(folder: &Path) -> PathBuf {
    ffmpeg(&["-f", "lavfi", "-i", "testsrc2=size=640x360", "-frames:v", "1"], &folder.join("cover.png"))
}

/// Bytes that do not compress and differ by seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A file of noise.
pub(crate) fn noise_file(folder: &Path, name: &str, seed: u64, length: usize) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, noise(seed, length)).expect("a test file is written");
    path
}
