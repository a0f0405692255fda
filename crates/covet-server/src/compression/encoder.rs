//! The codecs that encode: bytes in, encoded bytes out, flushed when told.
//!
//! What zlib and zstd need is kept by the thread for the next answer. Knows no HTTP.

use std::cell::RefCell;
use std::io::Write as _;

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use flate2::{Compress, Compression, FlushCompress, Status};
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer, ResetDirective};

use super::coding::Coding;

/// Levels at which an answer costs little next to what sending it saves, by
/// `cargo run --release --example compression_costs`.
const GZIP_LEVEL: u32 = 4;
const ZSTD_LEVEL: i32 = 1;
const BROTLI_QUALITY: i32 = 4;
/// Base-2 logarithms of the windows.
const GZIP_WINDOW: u8 = 15;
const BROTLI_WINDOW: i32 = 18;
/// The same for a stream of unknown length: it may live for hours among thousands, so that its
/// memory counts for more than the last percent.
const STREAM_WINDOW: u8 = 16;
const BROTLI_STREAM_QUALITY: i32 = 2;
/// Contexts of a kind that wait for reuse.
const KEPT: usize = 2;
/// The least room that is offered to a codec.
const ROOM: usize = 4 * 1024;

thread_local! {
    static SPARE: Spare = const { Spare { gzip: RefCell::new(Vec::new()), zstd: RefCell::new(Vec::new()) } };
}

struct Spare {
    gzip: RefCell<Vec<Compress>>,
    zstd: RefCell<Vec<CCtx<'static>>>,
}

/// What to do after the input is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// More comes: output may be kept back.
    GoOn,
    /// Give out everything, so that the client can decode it.
    Flush,
    /// That was all.
    End,
}

/// The codec cannot go on: it has no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed;

/// Encodes one body.
pub(super) enum Encoder {
    Gzip(Option<Compress>),
    Zstd(Option<CCtx<'static>>),
    Br(Option<Box<CompressorWriter<Vec<u8>>>>),
}

impl Encoder {
    /// For a body of `length` bytes, or a stream.
    pub(super) fn new(coding: Coding, length: Option<u64>) -> Result<Self, Failed> {
        Ok(match coding {
            Coding::Gzip => {
                let spare = SPARE.with(|spare| spare.gzip.borrow_mut().pop());
                Self::Gzip(Some(spare.unwrap_or_else(|| {
                    Compress::new_gzip(Compression::new(GZIP_LEVEL), GZIP_WINDOW)
                })))
            }
            Coding::Zstd => Self::Zstd(Some(zstd(length)?)),
            Coding::Br => Self::Br(Some(Box::new(brotli(length)))),
        })
    }

    /// Take `input`, append to `out`. Not to be called again after the end.
    pub(super) fn encode(
        &mut self,
        input: &[u8],
        then: Then,
        out: &mut Vec<u8>,
    ) -> Result<(), Failed> {
        match self {
            Self::Gzip(Some(context)) => deflate(context, input, then, out),
            Self::Zstd(Some(context)) => compress(context, input, then, out),
            Self::Br(writer) => write(writer, input, then, out),
            Self::Gzip(None) | Self::Zstd(None) => Err(Failed),
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // The thread may be ending: then there is nothing to keep for.
        let _ = SPARE.try_with(|spare| match self {
            Self::Gzip(context) => {
                if let Some(mut context) = context.take() {
                    context.reset();
                    keep(&spare.gzip, context);
                }
            }
            Self::Zstd(context) => {
                if let Some(mut context) = context.take()
                    && context.reset(ResetDirective::SessionAndParameters).is_ok()
                {
                    keep(&spare.zstd, context);
                }
            }
            Self::Br(_) => {}
        });
    }
}

fn keep<T>(spare: &RefCell<Vec<T>>, context: T) {
    let mut spare = spare.borrow_mut();
    if spare.len() < KEPT {
        spare.push(context);
    }
}

fn zstd(length: Option<u64>) -> Result<CCtx<'static>, Failed> {
    let spare = SPARE.with(|spare| spare.zstd.borrow_mut().pop());
    let mut context = spare.or_else(CCtx::try_create).ok_or(Failed)?;
    let mut set = |parameter| context.set_parameter(parameter).map_err(|_| Failed);
    set(CParameter::CompressionLevel(ZSTD_LEVEL))?;
    if length.is_none() {
        set(CParameter::WindowLog(STREAM_WINDOW.into()))?;
    }
    context.set_pledged_src_size(length).map_err(|_| Failed)?;
    Ok(context)
}

fn brotli(length: Option<u64>) -> CompressorWriter<Vec<u8>> {
    let (quality, lgwin) = match length {
        Some(_) => (BROTLI_QUALITY, BROTLI_WINDOW),
        None => (BROTLI_STREAM_QUALITY, STREAM_WINDOW.into()),
    };
    let parameters = BrotliEncoderParams {
        quality,
        lgwin,
        size_hint: length.map_or(0, |length| length as usize),
        ..BrotliEncoderParams::default()
    };
    CompressorWriter::with_params(Vec::new(), ROOM, &parameters)
}

fn deflate(
    context: &mut Compress,
    mut input: &[u8],
    then: Then,
    out: &mut Vec<u8>,
) -> Result<(), Failed> {
    let flush = match then {
        Then::GoOn => FlushCompress::None,
        Then::Flush => FlushCompress::Sync,
        Then::End => FlushCompress::Finish,
    };
    loop {
        out.reserve(ROOM);
        let before = context.total_in();
        let status = context
            .compress_vec(input, out, flush)
            .map_err(|_| Failed)?;
        input = &input[(context.total_in() - before) as usize..];
        let has_room = out.len() < out.capacity();
        match status {
            Status::StreamEnd => return Ok(()),
            // Room that is left says that all is taken, and all is given that was to be.
            Status::Ok | Status::BufError if has_room && then != Then::End => return Ok(()),
            Status::BufError if has_room => return Err(Failed),
            Status::Ok | Status::BufError => {}
        }
    }
}

fn compress(
    context: &mut CCtx<'static>,
    input: &[u8],
    then: Then,
    out: &mut Vec<u8>,
) -> Result<(), Failed> {
    let mut from = InBuffer::around(input);
    loop {
        out.reserve(ROOM);
        let filled = out.len();
        let mut to = OutBuffer::around_pos(out, filled);
        let left = if from.pos() < input.len() {
            context.compress_stream(&mut to, &mut from)
        } else {
            match then {
                Then::GoOn => return Ok(()),
                Then::Flush => context.flush_stream(&mut to),
                Then::End => context.end_stream(&mut to),
            }
        };
        let is_given = left.map_err(|_| Failed)? == 0;
        if is_given && from.pos() == input.len() && then != Then::GoOn {
            return Ok(());
        }
    }
}

fn write(
    writer: &mut Option<Box<CompressorWriter<Vec<u8>>>>,
    input: &[u8],
    then: Then,
    out: &mut Vec<u8>,
) -> Result<(), Failed> {
    let mut open = writer.take().ok_or(Failed)?;
    open.write_all(input).map_err(|_| Failed)?;
    match then {
        Then::GoOn => {}
        Then::Flush => open.flush().map_err(|_| Failed)?,
        Then::End => {
            out.append(&mut open.into_inner());
            return Ok(());
        }
    }
    out.append(open.get_mut());
    *writer = Some(open);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::decoder::tests::decoded;
    use super::*;

    fn text(length: usize) -> Vec<u8> {
        let words = [b"covet ".as_slice(), b"serves ", b"1234567 ", b"answers\n"];
        let mut at = 7_usize;
        let mut out = Vec::new();
        while out.len() < length {
            at = at.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
            out.extend_from_slice(words[at >> 16 & 3]);
        }
        out.truncate(length);
        out
    }

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for coding in Coding::ALL {
            for length in [0, 1, 600, 70_000, 1 << 20] {
                let plain = text(length);
                for known in [Some(length as u64), None] {
                    let mut encoder = Encoder::new(coding, known).expect("memory");
                    let mut out = Vec::new();
                    for piece in plain.chunks(30_011) {
                        encoder.encode(piece, Then::GoOn, &mut out).expect("memory");
                    }
                    encoder.encode(b"", Then::End, &mut out).expect("memory");
                    assert_eq!(
                        decoded(coding, &out),
                        plain,
                        "{coding:?} {length} {known:?}"
                    );
                    assert!(length < 600 || out.len() < length / 2, "{coding:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_flushed_can_be_decoded_before_the_end() {
        for coding in Coding::ALL {
            let mut encoder = Encoder::new(coding, None).expect("memory");
            let (mut out, mut plain) = (Vec::new(), Vec::new());
            for size in [5, 0, 1, 9_000, 3, 70_000, 2] {
                let piece = text(size);
                encoder
                    .encode(&piece, Then::Flush, &mut out)
                    .expect("memory");
                plain.extend_from_slice(&piece);
                assert_eq!(decoded(coding, &out), plain, "{coding:?} {size}");
            }
        }
    }

    #[test]
    fn nothing_of_a_body_is_left_for_the_next() {
        for coding in Coding::ALL {
            let mut left = Encoder::new(coding, Some(7)).expect("memory");
            left.encode(b"sec", Then::GoOn, &mut Vec::new())
                .expect("memory");
            drop(left);
            let mut encoder = Encoder::new(coding, None).expect("memory");
            let mut out = Vec::new();
            encoder
                .encode(b"public", Then::End, &mut out)
                .expect("memory");
            assert_eq!(decoded(coding, &out), b"public", "{coding:?}");
        }
    }
}
