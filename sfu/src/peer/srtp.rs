//! SRTP and SRTCP of one session. AES-GCM is done here, in place, with `ring` (RFC 7714); the fallback to
//! AES-CM with SHA-1 goes through the library.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rtc_crypto::{BlockCipherAlgorithm, RTCCryptoProvider};
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_no_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;

/// RTCP packets that may come out of order without being taken for a replay.
const RTCP_WINDOW: usize = 64;

/// Senders of reports in one session whose numbers are remembered. The one that was silent longest makes room.
const REPORTERS_MAX: usize = 64;

/// What an RTCP packet begins with and is never encrypted (RFC 7714 §9.1), bytes.
const REPORT_HEADER_BYTES: usize = 8;

/// The last word of an SRTCP packet: encrypted or not, and the packet's number.
const REPORT_INDEX_BYTES: usize = 4;
const ENCRYPTED: u32 = 1 << 31;

/// The tag of AES-CM with SHA-1, bytes.
const CM_TAG_BYTES: usize = 10;

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

/// A session key and salt of AES-GCM.
struct Gcm {
    key: LessSafeKey,
    salt: Salt,
}

/// Eight bytes of a salt and the other four, as numbers in network order.
type Salt = (u64, u32);

/// The cipher of one direction.
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is the usual one, and lies on the hot path"
)]
enum Cipher {
    Gcm { rtp: Gcm, rtcp: Box<Gcm>, reporters: Reporters },
    Cm(Box<Context>),
}

/// One direction of a session.
pub(crate) struct Direction(Cipher);

/// The numbers of reports: of our own the next, of the other side's those that came, by SSRC (RFC 3711 §3.3.2).
#[derive(Debug, Default)]
struct Reporters {
    next: u32,
    /// The last heard first.
    heard: Vec<(u32, Window)>,
}

impl Reporters {
    /// Whether a report with this number is new.
    fn is_new(&self, ssrc: u32, index: u32) -> bool {
        let window = self.heard.iter().find(|it| it.0 == ssrc).map(|it| &it.1);
        window.is_none_or(|it| it.is_new(u64::from(index)))
    }

    /// A report proved authentic.
    fn accept(&mut self, ssrc: u32, index: u32) {
        let at = self.heard.iter().position(|it| it.0 == ssrc).unwrap_or_else(|| {
            self.heard.truncate(REPORTERS_MAX - 1);
            self.heard.push((ssrc, Window::default()));
            self.heard.len() - 1
        });
        self.heard[..=at].rotate_right(1);
        self.heard[0].1.accept(u64::from(index));
    }
}

/// What session keys are derived for (RFC 3711 §4.3.2); the label of the salt is greater by 2.
const RTP_LABEL: u8 = 0;
const RTCP_LABEL: u8 = 3;

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
        let cipher = match profile {
            Profile::Gcm128 => {
                let gcm = |label| {
                    let session_key = derive(provider, (key, salt), label)?;
                    let session_salt = derive(provider, (key, salt), label + 2)?;
                    let unbound = UnboundKey::new(&AES_128_GCM, &session_key);
                    let key = LessSafeKey::new(unbound.map_err(|_| BadKeys)?);
                    let salt = u128::from_be_bytes(session_salt);
                    Ok(Gcm { key, salt: ((salt >> 64) as u64, (salt >> 32) as u32) })
                };
                let (rtp, rtcp) = (gcm(RTP_LABEL)?, Box::new(gcm(RTCP_LABEL)?));
                Cipher::Gcm { rtp, rtcp, reporters: Reporters::default() }
            }
            Profile::Cm128Sha1 => {
                let options = (srtp_no_replay_protection(), srtcp_replay_protection(RTCP_WINDOW));
                let (rtp, rtcp) = (Some(options.0), Some(options.1));
                let crypto = provider.crypto();
                let context = Context::new(key, salt, profile.library(), rtp, rtcp, crypto);
                Cipher::Cm(Box::new(context.map_err(|_| BadKeys)?))
            }
        };
        Ok(Self(cipher))
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
        match &mut self.0 {
            Cipher::Gcm { rtp: Gcm { key, salt }, .. } => {
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
        match &mut self.0 {
            Cipher::Gcm { rtp: Gcm { key, salt }, .. } => {
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
        matches!(self.0, Cipher::Cm(_))
    }

    /// Seals the compound RTCP packet that is `out[start..]`, in place; `None` if it is none, or if the key is used
    /// up.
    pub(crate) fn seal_rtcp(&mut self, out: &mut Vec<u8>, start: usize) -> Option<()> {
        match &mut self.0 {
            Cipher::Gcm { rtcp, reporters, .. } => {
                let index = reporters.next;
                reporters.next = index.checked_add(1).filter(|next| *next < ENCRYPTED)?;
                let (header, body) =
                    out.get_mut(start..)?.split_first_chunk_mut::<REPORT_HEADER_BYTES>()?;
                let (nonce, aad) = rtcp.report(header, ENCRYPTED | index);
                let tag = rtcp.key.seal_in_place_separate_tag(nonce, Aad::from(aad), body).ok()?;
                out.extend_from_slice(tag.as_ref());
                out.extend_from_slice(&(ENCRYPTED | index).to_be_bytes());
            }
            Cipher::Cm(context) => {
                let sealed = context.encrypt_rtcp(out.get(start..)?).ok()?;
                out.truncate(start);
                out.extend_from_slice(&sealed);
            }
        }
        Some(())
    }

    /// Opens a compound RTCP packet in place and returns its length; `None` if it is not authentic or came before.
    pub(crate) fn open_rtcp(&mut self, packet: &mut [u8]) -> Option<usize> {
        match &mut self.0 {
            Cipher::Gcm { rtcp, reporters, .. } => {
                let (packet, last) = packet.split_last_chunk_mut::<REPORT_INDEX_BYTES>()?;
                let (header, body) = packet.split_first_chunk_mut::<REPORT_HEADER_BYTES>()?;
                let word = u32::from_be_bytes(*last);
                let (ssrc, index) = (report_ssrc(header), word & !ENCRYPTED);
                // Browsers always encrypt.
                if word & ENCRYPTED == 0 || !reporters.is_new(ssrc, index) {
                    return None;
                }
                let (nonce, aad) = rtcp.report(header, word);
                let plain = rtcp.key.open_in_place(nonce, Aad::from(aad), body).ok()?;
                reporters.accept(ssrc, index);
                Some(REPORT_HEADER_BYTES + plain.len())
            }
            Cipher::Cm(context) => {
                // The library passes reports that say that they are not encrypted, without looking at their tag
                // (rtc-srtp 0.21.1). Browsers always encrypt.
                let at = packet.len().checked_sub(REPORT_INDEX_BYTES + CM_TAG_BYTES)?;
                if packet.get(at)? & 0x80 == 0 {
                    return None;
                }
                let plain = context.decrypt_rtcp(packet).ok()?;
                packet.get_mut(..plain.len())?.copy_from_slice(&plain);
                Some(plain.len())
            }
        }
    }
}

/// Who an RTCP packet is from.
fn report_ssrc(header: &[u8; REPORT_HEADER_BYTES]) -> u32 {
    u32::from_be_bytes([header[4], header[5], header[6], header[7]])
}

impl Gcm {
    /// Nonce and associated data of an RTCP packet (RFC 7714 §9.1, §9.2).
    fn report(
        &self,
        header: &[u8; REPORT_HEADER_BYTES],
        word: u32,
    ) -> (Nonce, [u8; REPORT_HEADER_BYTES + REPORT_INDEX_BYTES]) {
        let mut aad = [0; REPORT_HEADER_BYTES + REPORT_INDEX_BYTES];
        aad[..REPORT_HEADER_BYTES].copy_from_slice(header);
        aad[REPORT_HEADER_BYTES..].copy_from_slice(&word.to_be_bytes());
        (nonce(&self.salt, report_ssrc(header), u64::from(word & !ENCRYPTED)), aad)
    }
}

/// RFC 7714 §8.1: two zero bytes, SSRC, rollover counter, sequence number; exclusive-or the salt.
fn nonce(salt: &Salt, ssrc: u32, index: u64) -> Nonce {
    let (salt, salt_end) = *salt;
    // Two whole words, as they will be read again at once.
    let start = (u64::from(ssrc) << 16 | (index >> 32 & 0xffff)) ^ salt;
    let end = index as u32 ^ salt_end;
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&start.to_be_bytes());
    bytes[8..].copy_from_slice(&end.to_be_bytes());
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
        self.nearest(seq).filter(|index| self.is_new(*index))
    }

    /// Whether the packet with this extended number neither came nor is too old.
    fn is_new(&self, index: u64) -> bool {
        let behind = self.highest.and_then(|highest| highest.checked_sub(index));
        behind.is_none_or(|behind| {
            let behind = u32::try_from(behind).unwrap_or(u32::MAX);
            self.seen.checked_shr(behind).is_some_and(|it| it & 1 == 0)
        })
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
