//! SRTP and SRTCP of one session. AES-GCM of RTP is done here, in place, with `ring` (RFC 7714); RTCP
//! and the fallback to AES-CM with SHA-1 go through the library.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rtc_crypto::{BlockCipherAlgorithm, RTCCryptoProvider};
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_no_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

/// RTCP packets that may come out of order without being taken for a replay.
const RTCP_WINDOW: usize = 64;

/// A protection profile that we negotiate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// `AEAD_AES_128_GCM`: preferred, four times cheaper.
    Gcm128,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`: what every WebRTC stack speaks.
    Cm128Sha1,
}

impl Profile {
    pub(crate) fn key_bytes(self) -> usize {
        self.library().key_len()
    }

    pub(crate) fn salt_bytes(self) -> usize {
        self.library().salt_len()
    }

    fn library(self) -> ProtectionProfile {
        match self {
            Self::Gcm128 => ProtectionProfile::AeadAes128Gcm,
            Self::Cm128Sha1 => ProtectionProfile::Aes128CmHmacSha1_80,
        }
    }
}

/// Master keys and salts as DTLS exports them.
pub(crate) struct Keys {
    pub(crate) profile: Profile,
    /// Key and salt of what we send.
    pub(crate) local: (Vec<u8>, Vec<u8>),
    /// Key and salt of what we receive.
    pub(crate) remote: (Vec<u8>, Vec<u8>),
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({:?})", self.profile)
    }
}

/// Keys that could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadKeys;

/// The cipher of RTP packets in one direction.
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and lies on the hot path"
)]
enum Cipher {
    Gcm { key: LessSafeKey, salt: [u8; 12] },
    Cm(Box<Context>),
}

/// One direction of a session.
pub(crate) struct Direction {
    rtp: Cipher,
    rtcp: Context,
}

/// Session key or salt by AES-CM (RFC 3711 §4.3.3) with key derivation rate 0.
fn derive(
    provider: &dyn RTCCryptoProvider,
    (key, salt): (&[u8], &[u8]),
    label: u8,
) -> Result<[u8; 16], BadKeys> {
    let mut block = [0; 16];
    block.get_mut(..salt.len()).ok_or(BadKeys)?.copy_from_slice(salt);
    block[7] ^= label;
    provider
        .crypto()
        .block_encrypt(BlockCipherAlgorithm::Aes128, key, &mut block)
        .map_err(|_| BadKeys)?;
    Ok(block)
}

impl Direction {
    /// Prepares one direction with a master key and salt.
    pub(crate) fn new(
        provider: &dyn RTCCryptoProvider,
        profile: Profile,
        (key, salt): &(Vec<u8>, Vec<u8>),
    ) -> Result<Self, BadKeys> {
        let context = || {
            let (rtp, rtcp) = (srtp_no_replay_protection(), srtcp_replay_protection(RTCP_WINDOW));
            let crypto = provider.crypto();
            Context::new(key, salt, profile.library(), Some(rtp), Some(rtcp), crypto)
                .map_err(|_| BadKeys)
        };
        let rtp = match profile {
            Profile::Gcm128 => {
                let session_key = derive(provider, (key, salt), 0)?;
                let session_salt = derive(provider, (key, salt), 2)?;
                let unbound = UnboundKey::new(&AES_128_GCM, &session_key).map_err(|_| BadKeys)?;
                let salt = *session_salt.first_chunk().ok_or(BadKeys)?;
                Cipher::Gcm { key: LessSafeKey::new(unbound), salt }
            }
            Profile::Cm128Sha1 => Cipher::Cm(Box::new(context()?)),
        };
        Ok(Self { rtp, rtcp: context()? })
    }

    /// Seals the packet that is `out[start..]`: encrypts what follows its `header_len` bytes in place and
    /// appends the tag. `index` is the extended sequence number.
    pub(crate) fn seal(
        &mut self,
        out: &mut Vec<u8>,
        start: usize,
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Option<()> {
        match &mut self.rtp {
            Cipher::Gcm { key, salt } => {
                let (header, payload) = out.get_mut(start..)?.split_at_mut_checked(header_len)?;
                let nonce = nonce(salt, ssrc, index);
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), payload).ok()?;
                out.extend_from_slice(tag.as_ref());
            }
            Cipher::Cm(context) => {
                let sealed = context.encrypt_rtp(out.get(start..)?).ok()?;
                out.truncate(start);
                out.extend_from_slice(&sealed);
            }
        }
        Some(())
    }

    /// Opens a packet in place and returns its length without the tag; `None` if it is not authentic.
    pub(crate) fn open(
        &mut self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Option<usize> {
        match &mut self.rtp {
            Cipher::Gcm { key, salt } => {
                let (header, payload) = packet.split_at_mut_checked(header_len)?;
                let nonce = nonce(salt, ssrc, index);
                let plain = key.open_in_place(nonce, Aad::from(header), payload).ok()?;
                Some(header_len + plain.len())
            }
            Cipher::Cm(context) => {
                let plain = context.decrypt_rtp(packet).ok()?;
                packet.get_mut(..plain.len())?.copy_from_slice(&plain);
                Some(plain.len())
            }
        }
    }

    /// Whether the cipher keeps memory for every stream it is shown, authentic or not.
    pub(crate) fn keeps_memory(&self) -> bool {
        matches!(self.rtp, Cipher::Cm(_))
    }

    /// Seals a compound RTCP packet.
    pub(crate) fn seal_rtcp(&mut self, compound: &[u8]) -> Option<bytes::BytesMut> {
        self.rtcp.encrypt_rtcp(compound).ok()
    }

    /// Opens a compound RTCP packet.
    pub(crate) fn open_rtcp(&mut self, packet: &[u8]) -> Option<bytes::BytesMut> {
        self.rtcp.decrypt_rtcp(packet).ok()
    }
}

/// RFC 7714 §8.1: two zero bytes, SSRC, rollover counter, sequence number; exclusive-or the salt.
fn nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[2..6].copy_from_slice(&ssrc.to_be_bytes());
    bytes[6..12].copy_from_slice(&index.to_be_bytes()[2..8]);
    bytes.iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
    Nonce::assume_unique_for_key(bytes)
}

/// Where an incoming stream is: guesses the extended number of each packet and refuses what came before.
/// Changed only by packets that proved authentic.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    highest: Option<u64>,
    /// Bit n: `highest - n` came.
    seen: u128,
}

impl Window {
    /// The extended number of a packet (RFC 3711 §3.3.1); `None` if it is a replay or too old.
    pub(crate) fn index(&self, seq: u16) -> Option<u64> {
        let index = self.nearest(seq)?;
        let behind = self.highest.and_then(|highest| highest.checked_sub(index));
        let is_fresh = behind.is_none_or(|behind| {
            let behind = u32::try_from(behind).unwrap_or(u32::MAX);
            self.seen.checked_shr(behind).is_some_and(|it| it & 1 == 0)
        });
        is_fresh.then_some(index)
    }

    /// The extended number nearest to the highest that came; `None` if it lies before the first of all.
    pub(crate) fn nearest(&self, seq: u16) -> Option<u64> {
        let Some(highest) = self.highest else { return Some(u64::from(seq)) };
        highest.checked_add_signed(i64::from(seq.wrapping_sub(highest as u16) as i16))
    }

    /// The packet with this extended number proved authentic.
    pub(crate) fn accept(&mut self, index: u64) {
        let Some(highest) = self.highest.filter(|&highest| highest >= index) else {
            let by = self.highest.map_or(128, |highest| index - highest);
            self.seen =
                u32::try_from(by).ok().and_then(|by| self.seen.checked_shl(by)).unwrap_or(0) | 1;
            self.highest = Some(index);
            return;
        };
        let behind = u32::try_from(highest - index).unwrap_or(u32::MAX);
        self.seen |= 1u128.checked_shl(behind).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests;
