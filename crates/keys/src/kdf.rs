//! From a passphrase to a key: scrypt, within bounds.

use zeroize::Zeroizing;

/// Most bytes of memory that a derivation may take: twice what our own files and Polkadot-js' need.
const MAX_MEMORY_BYTES: u64 = 256 * 1024 * 1024;
/// Most work, as the product of the three parameters: four times that of our own files.
const MAX_WORK: u64 = 1 << 22;
/// Most of `r` and of `p`; Polkadot-js goes up to 8 and 10.
const MAX_FACTOR: u32 = 16;

/// Parameters of scrypt.
///
/// Source: RFC 7914.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kdf {
    log_n: u8,
    r: u32,
    p: u32,
}

/// Parameters of a key derivation that are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KdfError {
    /// Not parameters of scrypt.
    #[error("its parameters of scrypt are not valid")]
    Invalid,
    /// They would take more memory or time than any honest file.
    #[error("its parameters of scrypt ask for more than 256 MiB or for too much work")]
    TooMuch,
}

impl Kdf {
    /// What new key files use: 128 MiB, under a second.
    pub const NEW: Self = Self { log_n: 17, r: 8, p: 1 };
    /// The least that is allowed. Too weak for anything but tests.
    pub const WEAKEST: Self = Self { log_n: 10, r: 8, p: 1 };

    /// Checks parameters before any memory is taken.
    ///
    /// # Errors
    /// [`KdfError`].
    pub fn new(n: u64, r: u32, p: u32) -> Result<Self, KdfError> {
        if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
            return Err(KdfError::Invalid);
        }
        if n > MAX_WORK || r > MAX_FACTOR || p > MAX_FACTOR {
            return Err(KdfError::TooMuch);
        }
        let (wide_r, wide_p) = (u64::from(r), u64::from(p));
        if n.saturating_mul(wide_r).saturating_mul(128) > MAX_MEMORY_BYTES
            || n.saturating_mul(wide_r).saturating_mul(wide_p) > MAX_WORK
        {
            return Err(KdfError::TooMuch);
        }
        let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| KdfError::TooMuch)?;
        let kdf = Self { log_n, r, p };
        kdf.params().map(|_| kdf)
    }

    /// The cost.
    #[must_use]
    pub fn n(&self) -> u64 {
        1 << self.log_n
    }

    /// The block size.
    #[must_use]
    pub fn r(&self) -> u32 {
        self.r
    }

    /// The parallelisation.
    #[must_use]
    pub fn p(&self) -> u32 {
        self.p
    }

    fn params(&self) -> Result<scrypt::Params, KdfError> {
        scrypt::Params::new(self.log_n, self.r, self.p).map_err(|_| KdfError::Invalid)
    }

    /// The key of a passphrase. Takes memory and time as the parameters say.
    pub(crate) fn derive<const N: usize>(
        &self,
        passphrase: &str,
        salt: &[u8],
    ) -> Result<Zeroizing<[u8; N]>, KdfError> {
        let mut key = Zeroizing::new([0; N]);
        scrypt::scrypt(passphrase.as_bytes(), salt, &self.params()?, key.as_mut_slice())
            .map_err(|_| KdfError::Invalid)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_polkadot_js_writes_is_taken_and_insane_costs_are_not() {
        for (n, r, p) in [
            (1 << 13, 8, 10),
            (1 << 14, 8, 5),
            (1 << 15, 8, 3),
            (1 << 15, 8, 1),
            (1 << 16, 8, 2),
            (1 << 17, 8, 1),
        ] {
            let kdf = Kdf::new(n, r, p).unwrap();
            assert_eq!((kdf.n(), kdf.r(), kdf.p()), (n, r, p));
        }
        assert_eq!(Kdf::new(Kdf::NEW.n(), 8, 1), Ok(Kdf::NEW));
        assert_eq!(Kdf::new(Kdf::WEAKEST.n(), 8, 1), Ok(Kdf::WEAKEST));
        for (n, r, p) in [(0, 8, 1), (1, 8, 1), (3, 8, 1), (1024, 0, 1), (1024, 8, 0), (u64::MAX, 8, 1)] {
            assert_eq!(Kdf::new(n, r, p), Err(KdfError::Invalid), "{n} {r} {p}");
        }
        for (n, r, p) in [
            (1 << 63, 8, 1),
            (1 << 20, 8, 1),
            (1 << 18, 16, 1),
            (2, u32::MAX, 1),
            (2, 1, u32::MAX),
            (1 << 17, 8, 16),
            (1 << 31, u32::MAX, u32::MAX),
        ] {
            assert_eq!(Kdf::new(n, r, p), Err(KdfError::TooMuch), "{n} {r} {p}");
        }
    }

    /// Source: RFC 7914, section 12.
    #[test]
    fn scrypt_is_the_standards() {
        let key = Kdf::new(1024, 8, 16).unwrap().derive::<64>("password", b"NaCl").unwrap();
        assert!(hex::encode(key.as_slice()).starts_with("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830"));
    }
}
