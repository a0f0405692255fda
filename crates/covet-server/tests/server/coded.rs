//! Bytes in content codings, made and read by the codecs as their users call them.

use std::io::Write as _;

use brotli::{CompressorWriter, DecompressorWriter};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use zstd_safe::{CCtx, DCtx, InBuffer, OutBuffer};

pub(crate) const CODINGS: [&str; 3] = ["zstd", "br", "gzip"];

/// Text that becomes about half as long in any coding.
pub(crate) fn words(length: usize) -> Vec<u8> {
    let mut seed = 1_u32;
    let mut out = Vec::with_capacity(length + 16);
    while out.len() < length {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        out.extend_from_slice(format!("{} ", seed >> 16).as_bytes());
    }
    out.truncate(length);
    out
}

/// Decodes what comes, as far as it can be decoded by then.
pub(crate) enum Decoding {
    Zstd(DCtx<'static>),
    Br(Box<DecompressorWriter<Vec<u8>>>),
    Gzip(Decompress, bool),
}

impl Decoding {
    pub(crate) fn new(coding: &str) -> Self {
        match coding {
            "zstd" => Self::Zstd(DCtx::create()),
            "br" => Self::Br(Box::new(DecompressorWriter::new(Vec::new(), 4096))),
            "gzip" => Self::Gzip(Decompress::new_gzip(15), false),
            other => panic!("no coding is called {other}"),
        }
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Zstd(context) => {
                let mut from = InBuffer::around(bytes);
                loop {
                    out.reserve(4096);
                    let filled = out.len();
                    let mut to = OutBuffer::around_pos(&mut out, filled);
                    context.decompress_stream(&mut to, &mut from).expect("zstd");
                    if from.pos() == bytes.len() && out.len() < out.capacity() {
                        return out;
                    }
                }
            }
            Self::Br(writer) => {
                writer.write_all(bytes).expect("brotli");
                out.append(writer.get_mut());
            }
            Self::Gzip(context, ended) => {
                let start = context.total_in();
                loop {
                    out.reserve(4096);
                    let rest = &bytes[(context.total_in() - start) as usize..];
                    let status = context
                        .decompress_vec(rest, &mut out, FlushDecompress::None)
                        .expect("gzip");
                    *ended = status == Status::StreamEnd;
                    if *ended || out.len() < out.capacity() {
                        break;
                    }
                }
                let taken = (context.total_in() - start) as usize;
                assert_eq!(taken, bytes.len(), "nothing follows the end");
            }
        }
        out
    }
}

/// All of a body that is complete.
pub(crate) fn decoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut decoding = Decoding::new(coding);
    let out = decoding.feed(bytes);
    if let Decoding::Gzip(_, ended) = decoding {
        assert!(ended, "the checksum has not come");
    }
    out
}

pub(crate) fn encoded(coding: &str, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len() + 1024);
    match coding {
        "zstd" => {
            CCtx::create().compress(&mut out, plain, 3).expect("room");
        }
        "br" => {
            let mut writer = CompressorWriter::new(out, 4096, 5, 20);
            writer.write_all(plain).expect("memory");
            out = writer.into_inner();
        }
        _ => {
            let mut context = Compress::new_gzip(Compression::new(6), 15);
            let status = context.compress_vec(plain, &mut out, FlushCompress::Finish);
            assert_eq!(status.expect("room"), Status::StreamEnd);
        }
    }
    out
}
