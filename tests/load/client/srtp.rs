//! SRTP and SRTCP under AEAD_AES_128_GCM (RFC 7714), in place, with `ring`. Browsers and the node prefer
//! this profile; the load speaks no other. Written apart from the node's own, so that each checks the other.

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rtc_crypto::{BlockCipherAlgorithm, RTCCryptoProvider};

/// Authentication tag.
pub const TAG_BYTES: usize = 16;

/// Master key and salt of the profile.
pub const KEY_BYTES: usize = 16;
pub const SALT_BYTES: usize = 12;

/// SRTCP's trailing word: encrypted, 31 bits of index.
const INDEX_BYTES: usize = 4;

/// What stands before the encrypted part of a compound RTCP packet.
const RTCP_HEAD_BYTES: usize = 8;

/// One direction of a session.
pub struct Keys {
    rtp: (LessSafeKey, [u8; SALT_BYTES]),
    rtcp: (LessSafeKey, [u8; SALT_BYTES]),
    rtcp_index: u32,
}

impl Keys {
    /// Session keys from the master's (RFC 3711 §4.3).
    pub fn new(provider: &dyn RTCCryptoProvider, key: &[u8], salt: &[u8]) -> Self {
        let derived = |label: u8| {
            let mut block = [0; 16];
            block[..SALT_BYTES].copy_from_slice(salt);
            block[7] ^= label;
            let crypto = provider.crypto();
            crypto
                .block_encrypt(BlockCipherAlgorithm::Aes128, key, &mut block)
                .expect("a block and a key of 16 bytes");
            block
        };
        let pair = |key_label, salt_label| {
            let key = UnboundKey::new(&AES_128_GCM, &derived(key_label)).expect("16 bytes");
            let salt = *derived(salt_label).first_chunk().expect("16 bytes hold 12");
            (LessSafeKey::new(key), salt)
        };
        Self { rtp: pair(0, 2), rtcp: pair(3, 5), rtcp_index: 0 }
    }

    /// Seals a packet whose last [`TAG_BYTES`] are free for the tag.
    pub fn seal(&self, packet: &mut [u8], header_len: usize, ssrc: u32, index: u64) {
        let (key, salt) = &self.rtp;
        let (header, rest) = packet.split_at_mut(header_len);
        let (payload, tail) = rest.split_at_mut(rest.len() - TAG_BYTES);
        let tag = key
            .seal_in_place_separate_tag(rtp_nonce(salt, ssrc, index), Aad::from(header), payload)
            .expect("a packet is short enough");
        tail.copy_from_slice(tag.as_ref());
    }

    /// Opens a packet in place; its length without the tag.
    pub fn open(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Option<usize> {
        let (key, salt) = &self.rtp;
        let (header, payload) = packet.split_at_mut_checked(header_len)?;
        let nonce = rtp_nonce(salt, ssrc, index);
        let plain = key.open_in_place(nonce, Aad::from(header), payload).ok()?;
        Some(header_len + plain.len())
    }

    /// Seals a compound packet.
    pub fn seal_rtcp(&mut self, compound: &mut Vec<u8>) {
        let (key, salt) = &self.rtcp;
        let index = self.rtcp_index;
        self.rtcp_index += 1;
        let word = (1 << 31 | index).to_be_bytes();
        let ssrc = sender_of(compound);
        let aad = rtcp_aad(compound, word);
        let tag = key
            .seal_in_place_separate_tag(
                rtcp_nonce(salt, ssrc, index),
                Aad::from(aad),
                &mut compound[RTCP_HEAD_BYTES..],
            )
            .expect("a packet is short enough");
        compound.extend_from_slice(tag.as_ref());
        compound.extend_from_slice(&word);
    }

    /// Opens a compound packet in place.
    pub fn open_rtcp<'a>(&self, packet: &'a mut [u8]) -> Option<&'a [u8]> {
        let (key, salt) = &self.rtcp;
        let end = packet.len().checked_sub(INDEX_BYTES)?;
        if end < RTCP_HEAD_BYTES + TAG_BYTES {
            return None;
        }
        let word: [u8; INDEX_BYTES] = packet[end..].try_into().ok()?;
        let index = u32::from_be_bytes(word) & !(1 << 31);
        let (ssrc, aad) = (sender_of(packet), rtcp_aad(packet, word));
        let nonce = rtcp_nonce(salt, ssrc, index);
        let sealed = &mut packet[RTCP_HEAD_BYTES..end];
        let len = key.open_in_place(nonce, Aad::from(aad), sealed).ok()?.len();
        Some(&packet[..RTCP_HEAD_BYTES + len])
    }
}

fn sender_of(compound: &[u8]) -> u32 {
    u32::from_be_bytes(*compound[4..].first_chunk().expect("a compound has eight bytes"))
}

fn rtcp_aad(compound: &[u8], word: [u8; INDEX_BYTES]) -> [u8; RTCP_HEAD_BYTES + INDEX_BYTES] {
    let mut aad = [0; RTCP_HEAD_BYTES + INDEX_BYTES];
    aad[..RTCP_HEAD_BYTES].copy_from_slice(&compound[..RTCP_HEAD_BYTES]);
    aad[RTCP_HEAD_BYTES..].copy_from_slice(&word);
    aad
}

/// RFC 7714 §8.1.
fn rtp_nonce(salt: &[u8; SALT_BYTES], ssrc: u32, index: u64) -> Nonce {
    let mut bytes = [0; SALT_BYTES];
    bytes[2..6].copy_from_slice(&ssrc.to_be_bytes());
    bytes[6..].copy_from_slice(&index.to_be_bytes()[2..]);
    salted(bytes, salt)
}

/// RFC 7714 §9.1.
fn rtcp_nonce(salt: &[u8; SALT_BYTES], ssrc: u32, index: u32) -> Nonce {
    let mut bytes = [0; SALT_BYTES];
    bytes[2..6].copy_from_slice(&ssrc.to_be_bytes());
    bytes[8..].copy_from_slice(&index.to_be_bytes());
    salted(bytes, salt)
}

fn salted(mut bytes: [u8; SALT_BYTES], salt: &[u8; SALT_BYTES]) -> Nonce {
    bytes.iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
    Nonce::assume_unique_for_key(bytes)
}
