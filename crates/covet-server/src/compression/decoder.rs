//! The codecs that decode: encoded bytes in, at most as many bytes out as there is room for.
//!
//! Knows no limits but those of memory: a window of zstd has at most 8 MiB (RFC 9659), one of
//! brotli 16 MiB.

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use flate2::{Decompress, FlushDecompress, Status};
use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

use super::coding::Coding;

/// Base-2 logarithm of the largest window of zstd that everyone must take.
const ZSTD_WINDOW: u32 = 23;
const GZIP_WINDOW: u8 = 15;

/// The bytes are no such coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// How far a step got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Bytes of input that were taken.
    pub(super) taken: usize,
    /// Bytes that were written.
    pub(super) given: usize,
}

type Brotli = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// Decodes one body.
pub(super) struct Decoder {
    codec: Codec,
    /// Whether the body may end here.
    whole: bool,
}

enum Codec {
    Gzip(Decompress),
    Zstd(DCtx<'static>),
    Br(Box<Brotli>),
}

impl Decoder {
    pub(super) fn new(coding: Coding) -> Self {
        let codec = match coding {
            Coding::Gzip => Codec::Gzip(Decompress::new_gzip(GZIP_WINDOW)),
            Coding::Zstd => {
                let mut context = DCtx::create();
                let bounded = context.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW));
                debug_assert!(
                    bounded.is_ok(),
                    "every window up to that of RFC 9659 is known"
                );
                Codec::Zstd(context)
            }
            Coding::Br => {
                let allocator = StandardAlloc::default();
                Codec::Br(Box::new(Brotli::new_strict(
                    allocator, allocator, allocator,
                )))
            }
        };
        Self {
            codec,
            whole: false,
        }
    }

    /// Whether the body is complete if no more comes.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Decode some of `input` into `room`. Where the room is not filled, all input is taken.
    pub(super) fn step(&mut self, input: &[u8], room: &mut [u8]) -> Result<Step, Malformed> {
        let mut step = Step { taken: 0, given: 0 };
        loop {
            let (input, room) = (&input[step.taken..], &mut room[step.given..]);
            if room.is_empty() || (input.is_empty() && self.whole) {
                return Ok(step);
            }
            let further = match &mut self.codec {
                Codec::Gzip(codec) => inflate(codec, &mut self.whole, input, room)?,
                Codec::Zstd(codec) => decompress(codec, &mut self.whole, input, room)?,
                Codec::Br(codec) => unpack(codec, &mut self.whole, input, room)?,
            };
            step.taken += further.taken;
            step.given += further.given;
            if further == (Step { taken: 0, given: 0 }) {
                return if input.is_empty() {
                    Ok(step)
                } else {
                    Err(Malformed)
                };
            }
        }
    }
}

/// A body of gzip is one member or several, RFC 1952 section 2.2.
fn inflate(
    codec: &mut Decompress,
    whole: &mut bool,
    input: &[u8],
    room: &mut [u8],
) -> Result<Step, Malformed> {
    if *whole {
        codec.reset(true);
        *whole = false;
    }
    let (taken, given) = (codec.total_in(), codec.total_out());
    let status = codec
        .decompress(input, room, FlushDecompress::None)
        .map_err(|_| Malformed)?;
    *whole = status == Status::StreamEnd;
    Ok(Step {
        taken: (codec.total_in() - taken) as usize,
        given: (codec.total_out() - given) as usize,
    })
}

/// A body of zstd is one frame or several, RFC 8878 section 3.
fn decompress(
    codec: &mut DCtx<'static>,
    whole: &mut bool,
    input: &[u8],
    room: &mut [u8],
) -> Result<Step, Malformed> {
    let mut from = InBuffer::around(input);
    let mut to = OutBuffer::around(room);
    let left = codec
        .decompress_stream(&mut to, &mut from)
        .map_err(|_| Malformed)?;
    *whole = left == 0;
    Ok(Step {
        taken: from.pos(),
        given: to.pos(),
    })
}

fn unpack(
    codec: &mut Brotli,
    whole: &mut bool,
    input: &[u8],
    room: &mut [u8],
) -> Result<Step, Malformed> {
    if *whole {
        return Err(Malformed); // RFC 7932 section 9.1: nothing follows the last meta-block
    }
    let (mut left, mut taken) = (input.len(), 0);
    let (mut free, mut given, mut total) = (room.len(), 0, 0);
    let result = BrotliDecompressStream(
        &mut left, &mut taken, input, &mut free, &mut given, room, &mut total, codec,
    );
    match result {
        BrotliResult::ResultFailure => return Err(Malformed),
        BrotliResult::ResultSuccess => *whole = true,
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
    }
    Ok(Step { taken, given })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::encoder::{Encoder, Then};
    use super::*;

    /// All that `encoded` gives so far.
    pub(in super::super) fn decoded(coding: Coding, encoded: &[u8]) -> Vec<u8> {
        in_pieces(coding, encoded, usize::MAX, 64 * 1024)
            .expect("well formed")
            .0
    }

    fn in_pieces(
        coding: Coding,
        encoded: &[u8],
        piece: usize,
        room: usize,
    ) -> Result<(Vec<u8>, bool), Malformed> {
        let mut decoder = Decoder::new(coding);
        let mut out = Vec::new();
        let mut room = vec![0; room];
        for mut input in encoded.chunks(piece.min(encoded.len().max(1))) {
            loop {
                let step = decoder.step(input, &mut room)?;
                out.extend_from_slice(&room[..step.given]);
                input = &input[step.taken..];
                if step.given < room.len() {
                    assert!(input.is_empty(), "{coding:?}: room and input are left");
                    break;
                }
            }
        }
        Ok((out, decoder.is_whole()))
    }

    fn encoded(coding: Coding, plain: &[u8]) -> Vec<u8> {
        let mut encoder = Encoder::new(coding, None).expect("memory");
        let mut out = Vec::new();
        encoder.encode(plain, Then::End, &mut out).expect("memory");
        out
    }

    #[test]
    fn pieces_of_any_size_and_any_room_give_the_same() {
        let plain: Vec<u8> = (0..5_000_u32)
            .flat_map(|at| (at / 3 * 77).to_le_bytes())
            .collect();
        for coding in Coding::ALL {
            let encoded = encoded(coding, &plain);
            for piece in [1, 2, 7, 100, usize::MAX] {
                for room in [1, 13, 4096, 1 << 20] {
                    let all = in_pieces(coding, &encoded, piece, room).expect("well formed");
                    assert_eq!(all, (plain.clone(), true), "{coding:?} {piece} {room}");
                }
            }
            let (cut, whole) =
                in_pieces(coding, &encoded[..encoded.len() - 1], 9, 64).expect("so far");
            assert!(!whole && plain.starts_with(&cut), "{coding:?}");
        }
    }

    #[test]
    fn what_is_no_such_coding_is_malformed() {
        for coding in Coding::ALL {
            let good = encoded(coding, b"some text, some text, some text");
            for (bytes, why) in [
                (b"{\"plain\": \"json\"}".to_vec(), "no coding"),
                ([&good[..], b"more"].concat(), "more after the end"),
            ] {
                assert_eq!(
                    in_pieces(coding, &bytes, 5, 64),
                    Err(Malformed),
                    "{coding:?}: {why}"
                );
            }
        }
        let mut wrong = encoded(Coding::Gzip, b"some text");
        let at = wrong.len() - 6;
        wrong[at] ^= 1;
        assert_eq!(
            in_pieces(Coding::Gzip, &wrong, 99, 64),
            Err(Malformed),
            "the checksum"
        );
    }

    #[test]
    fn several_members_are_one_body() {
        for coding in [Coding::Gzip, Coding::Zstd] {
            let two = [
                encoded(coding, b"one "),
                encoded(coding, b""),
                encoded(coding, b"two"),
            ]
            .concat();
            for piece in [1, 50, usize::MAX] {
                let all = in_pieces(coding, &two, piece, 64).expect("well formed");
                assert_eq!(all, (b"one two".to_vec(), true), "{coding:?} {piece}");
            }
        }
    }

    #[test]
    fn a_large_window_of_zstd_is_refused() {
        // RFC 8878 section 3.1.1: magic, a descriptor with neither size nor checksum, a window of 16 MiB.
        let head = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 14 << 3];
        assert_eq!(in_pieces(Coding::Zstd, &head, 99, 64), Err(Malformed));
        let head = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 13 << 3];
        assert!(in_pieces(Coding::Zstd, &head, 99, 64).is_ok());
    }
}
