//! Sixteen bytes at a time: which of them end a run in a JSON string. The same names for the
//! vector instructions that every `x86_64` has and for plain words elsewhere.

#![allow(unsafe_code, reason = "unaligned loads of sixteen bytes")]

pub(super) use backend::{Block, specials};

/// Bytes of a block.
pub(super) const BLOCK: usize = 16;

#[cfg(target_arch = "x86_64")]
mod backend {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set_epi64x, _mm_set1_epi8,
    };

    /// Sixteen bytes.
    #[derive(Clone, Copy)]
    pub(crate) struct Block(__m128i);

    impl Block {
        /// The bytes at `from`.
        ///
        /// # Safety
        /// Sixteen bytes can be read there.
        #[inline]
        pub(crate) unsafe fn load(from: *const u8) -> Self {
            // SAFETY: as the caller promises; the load needs no alignment.
            Self(unsafe { _mm_loadu_si128(from.cast()) })
        }

        /// These bytes.
        #[inline]
        pub(crate) fn of(bytes: &[u8; 16]) -> Self {
            // SAFETY: an array of sixteen bytes.
            unsafe { Self::load(bytes.as_ptr()) }
        }

        /// Two words, the first in the lower half.
        #[inline]
        pub(crate) fn of_words(first: u64, last: u64) -> Self {
            // SAFETY: every `x86_64` has SSE2.
            Self(unsafe { _mm_set_epi64x(last.cast_signed(), first.cast_signed()) })
        }
    }

    /// A bit for each byte that is `"`, `\` or below 0x20, the first byte in the lowest.
    #[inline]
    pub(crate) fn specials(block: Block) -> u32 {
        // SAFETY: every `x86_64` has SSE2.
        unsafe { specials_sse2(block) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn specials_sse2(block: Block) -> u32 {
        let controls = _mm_cmpeq_epi8(_mm_min_epu8(block.0, _mm_set1_epi8(0x1F)), block.0);
        let quotes = _mm_cmpeq_epi8(block.0, _mm_set1_epi8(b'"'.cast_signed()));
        let slashes = _mm_cmpeq_epi8(block.0, _mm_set1_epi8(b'\\'.cast_signed()));
        let any = _mm_or_si128(_mm_or_si128(quotes, slashes), controls);
        _mm_movemask_epi8(any).cast_unsigned()
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod backend {
    /// Sixteen bytes.
    #[derive(Clone, Copy)]
    pub(crate) struct Block([u8; 16]);

    impl Block {
        /// The bytes at `from`.
        ///
        /// # Safety
        /// Sixteen bytes can be read there.
        #[inline]
        pub(crate) unsafe fn load(from: *const u8) -> Self {
            // SAFETY: as the caller promises; an array of bytes needs no alignment.
            Self(unsafe { from.cast::<[u8; 16]>().read() })
        }

        /// These bytes.
        #[inline]
        pub(crate) fn of(bytes: &[u8; 16]) -> Self {
            // SAFETY: an array of sixteen bytes.
            unsafe { Self::load(bytes.as_ptr()) }
        }

        /// Two words, the first in the lower half.
        #[inline]
        pub(crate) fn of_words(first: u64, last: u64) -> Self {
            let both = u128::from(first) | (u128::from(last) << 64);
            Self(both.to_le_bytes())
        }
    }

    /// A bit for each byte that is `"`, `\` or below 0x20, the first byte in the lowest.
    #[inline]
    pub(crate) fn specials(block: Block) -> u32 {
        let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        let marks = block.0.iter().rev();
        marks.fold(0, |bits, &byte| bits << 1 | u32::from(is_special(byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, specials};

    #[test]
    fn every_byte_at_every_position() {
        for position in 0..16 {
            for byte in 0..=255u8 {
                let mut bytes = [b'a'; 16];
                bytes[position] = byte;
                let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                // SAFETY: the array has sixteen bytes.
                let found = specials(unsafe { Block::load(bytes.as_ptr()) });
                assert_eq!(found, u32::from(special) << position);
                let (words, _) = bytes.as_chunks::<8>();
                let [first, last] = [words[0], words[1]].map(u64::from_le_bytes);
                assert_eq!(specials(Block::of_words(first, last)), found);
            }
        }
    }
}
