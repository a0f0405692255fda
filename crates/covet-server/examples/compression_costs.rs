//! What each coding costs and saves at each level, on a body that an API answers.
//!
//! The figures of `docs/decisions/0010-content-codings.md`:
//! `cargo run --release -p covet-server --example compression_costs`.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use flate2::{Compress, Compression, FlushCompress};
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer};

const TIMES: u32 = 50;
const SIZES: [usize; 2] = [4 * 1024, 64 * 1024];

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    for size in SIZES {
        let body = body(size);
        writeln!(out, "{size} bytes of JSON: microseconds, bytes")?;
        for level in [1, 3, 4, 6] {
            let mut context = Compress::new_gzip(Compression::new(level), 15);
            let (took, bytes) = measured(|encoded| {
                context.reset();
                let done = context.compress_vec(&body, encoded, FlushCompress::Finish);
                done.map(drop).map_err(io::Error::other)
            })?;
            writeln!(out, "  gzip {level}: {} us, {bytes}", took.as_micros())?;
        }
        for level in [1, 2, 3, 5] {
            let mut context = CCtx::create();
            let (took, bytes) = measured(|encoded| {
                let done = context.compress(encoded, &body, level);
                done.map(drop).map_err(|_| io::Error::other("zstd"))
            })?;
            writeln!(out, "  zstd {level}: {} us, {bytes}", took.as_micros())?;
        }
        for quality in [0, 1, 2, 3, 4, 5] {
            let (took, bytes) = measured(|encoded| {
                let parameters = BrotliEncoderParams {
                    quality,
                    lgwin: 18,
                    size_hint: body.len(),
                    ..BrotliEncoderParams::default()
                };
                let mut writer = CompressorWriter::with_params(encoded, 4096, &parameters);
                writer.write_all(&body)
            })?;
            writeln!(out, "  br {quality}: {} us, {bytes}", took.as_micros())?;
        }
    }
    writeln!(out, "a stream that sent 500,000 bytes: KiB of memory")?;
    let body = body(500_000);
    let gzip = memory(|| {
        let mut context = Compress::new_gzip(Compression::new(4), 15);
        let done =
            context.compress_vec(&body, &mut Vec::with_capacity(1 << 19), FlushCompress::Sync);
        done.map(|_| context).map_err(io::Error::other)
    })?;
    writeln!(out, "  gzip, window 15: {gzip}")?;
    for window in [15, 16, 17, 19] {
        let zstd = memory(|| zstd_stream(&body, window).map_err(|_| io::Error::other("zstd")))?;
        writeln!(out, "  zstd, window {window}: {zstd}")?;
    }
    for (quality, window) in [(1, 16), (2, 16), (3, 16), (4, 16), (4, 18)] {
        let br = memory(|| {
            let parameters = BrotliEncoderParams {
                quality,
                lgwin: window,
                ..BrotliEncoderParams::default()
            };
            let mut writer = CompressorWriter::with_params(Vec::new(), 4096, &parameters);
            writer.write_all(&body)?;
            writer.flush()?;
            writer.get_mut().shrink_to_fit();
            Ok(writer)
        })?;
        writeln!(out, "  br {quality}, window {window}: {br}")?;
    }
    Ok(())
}

fn zstd_stream(body: &[u8], window: u32) -> Result<CCtx<'static>, usize> {
    let mut context = CCtx::create();
    context.set_parameter(CParameter::CompressionLevel(1))?;
    context.set_parameter(CParameter::WindowLog(window))?;
    let mut encoded = Vec::with_capacity(1 << 19);
    let mut to = OutBuffer::around(&mut encoded);
    context.compress_stream(&mut to, &mut InBuffer::around(body))?;
    context.flush_stream(&mut to)?;
    Ok(context)
}

/// KiB that each of many contexts adds to the memory of the process.
fn memory<T>(mut make: impl FnMut() -> io::Result<T>) -> io::Result<u64> {
    const MANY: u64 = 50;
    let before = resident()?;
    let all = (0..MANY).map(|_| make()).collect::<io::Result<Vec<_>>>()?;
    let after = resident()?;
    // Freed memory would be taken for the next kind and not be seen.
    std::mem::forget(all);
    Ok((after - before) / MANY / 1024)
}

/// Bytes of memory that the process has.
fn resident() -> io::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    Ok(pages.unwrap_or(0_u64) * 4096)
}

/// The least time that `encode` took, and what it gave.
fn measured(
    mut encode: impl FnMut(&mut Vec<u8>) -> io::Result<()>,
) -> io::Result<(Duration, usize)> {
    let mut encoded = Vec::with_capacity(128 * 1024);
    let mut least = Duration::MAX;
    for _ in 0..TIMES {
        encoded.clear();
        let started = Instant::now();
        encode(&mut encoded)?;
        least = least.min(started.elapsed());
    }
    Ok((least, encoded.len()))
}

/// A list of objects with numbers, words and times, as answers of APIs are.
fn body(size: usize) -> Vec<u8> {
    let words = [
        "paper",
        "ebook",
        "the long way home",
        "open",
        "closed",
        "ordered",
        "Ada",
        "Grace",
    ];
    let mut seed = 1_u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 8
    };
    let mut text = String::from("[");
    while text.len() < size {
        let (id, word, price) = (
            next(),
            words[next() as usize % words.len()],
            next() % 10_000,
        );
        let (hour, minute) = (next() % 24, next() % 60);
        let _ = write!(
            text,
            r#"{{"id":{id},"title":"{word}","price":{price},"created":"2026-03-02T{hour:02}:{minute:02}:00Z","tags":["a","b"]}},"#
        );
    }
    text.truncate(size);
    text.into_bytes()
}
