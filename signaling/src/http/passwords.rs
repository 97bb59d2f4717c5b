//! Passwords: hashed with Argon2id, a few at a time; wrong ones are counted.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use protocol::error::ErrorCode;
use tokio::sync::Semaphore;

use super::limiter::Limiter;
use crate::clock;

/// Memory of one hash, KiB; with 2 passes and 1 lane it is OWASP's recommendation (Password Storage
/// Cheat Sheet, Argon2id): 19 MiB, about 40 ms.
const MEMORY_KIB: u32 = 19 * 1_024;

/// Wrong passwords of one name in a minute.
const PER_NAME_MAX: usize = 5;

/// Wrong passwords from one address in a minute. An office shares one address.
const PER_ADDRESS_MAX: usize = 30;

/// Longest password, bytes. Longer ones are refused before they are hashed.
pub(super) const PASSWORD_BYTES_MAX: usize = 512;

/// Checks passwords.
pub(crate) struct Passwords {
    /// As many at once as there are cores: 3,300 people who sign in at 07:55 wait a little instead of
    /// taking 60 GB.
    slots: Semaphore,
    by_name: Mutex<Limiter<String>>,
    by_address: Mutex<Limiter<IpAddr>>,
    /// Hash of nobody's password: an unknown name takes as long as a known one.
    nobody: String,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            slots: Semaphore::new(cores),
            by_name: Mutex::new(Limiter::new(PER_NAME_MAX)),
            by_address: Mutex::new(Limiter::new(PER_ADDRESS_MAX)),
            nobody: hash("nobody").unwrap_or_default(),
        }
    }

    /// Checks a password against the hash of an account (none: the name is unknown).
    pub(super) async fn check(
        &self,
        username: &str,
        address: IpAddr,
        password: String,
        hash: Option<String>,
    ) -> Result<(), ErrorCode> {
        if self.is_locked(username, address) {
            return Err(ErrorCode::AccountLocked);
        }
        let is_known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let fits = self.run(move || verify(&password, &hash)).await?;
        if fits && is_known {
            lock(&self.by_name).succeeded(&username.to_owned());
            return Ok(());
        }
        let tick = clock::tick();
        lock(&self.by_name).failed(username.to_owned(), tick);
        lock(&self.by_address).failed(address, tick);
        Err(ErrorCode::WrongPassword)
    }

    fn is_locked(&self, username: &str, address: IpAddr) -> bool {
        let tick = clock::tick();
        lock(&self.by_name).is_locked(&username.to_owned(), tick)
            || lock(&self.by_address).is_locked(&address, tick)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ErrorCode> {
        let _slot = self.slots.acquire().await.map_err(|_| ErrorCode::Internal)?;
        tokio::task::spawn_blocking(work).await.map_err(|_| ErrorCode::Internal)
    }
}

fn lock<K>(limiter: &Mutex<Limiter<K>>) -> std::sync::MutexGuard<'_, Limiter<K>> {
    // Counts that a panic left half done are still counts.
    limiter.lock().unwrap_or_else(PoisonError::into_inner)
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, 2, 1, None).expect("the constants are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Hashes a password. Takes tens of milliseconds: not for an async task.
pub(crate) fn hash(password: &str) -> Result<String, ErrorCode> {
    let salt = crate::secret::entropy().to_le_bytes();
    let hash = argon2().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|it| it.to_string()).map_err(|_| ErrorCode::Internal)
}

/// Whether a password fits a hash. A hash that cannot be read fits nothing.
pub(crate) fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|it| argon2().verify_password(password.as_bytes(), &it).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let kept = hash("Đồng Hới 1604").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(verify("Đồng Hới 1604", &kept));
        assert!(!verify("Dong Hoi 1604", &kept));
        assert!(!verify("x", "not a hash"));
    }
}
