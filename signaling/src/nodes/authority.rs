//! The product's own certificate authority: it names media nodes to each other, and nothing else. Its key never leaves
//! the data folder; nodes send requests (PKCS #10, RFC 2986) and get certificates (RFC 5280).

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use protocol::node::{NodeRefusal, PEM_BYTES_MAX};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use crate::error::Error;

/// Its files in the data folder.
const KEY_FILE: &str = "node-authority.key";
const CERTIFICATE_FILE: &str = "node-authority.pem";

/// See the file's head.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, PEM.
    pub(crate) certificate: String,
}

impl Authority {
    /// Reads the authority of a data folder, or makes it.
    pub(crate) fn load(data: &Path) -> Result<Self, Error> {
        let failed = |source| Error::DataNotWritable { path: data.to_owned(), source };
        let (key, certificate) = match std::fs::read_to_string(data.join(KEY_FILE)) {
            Ok(key) => {
                let certificate =
                    std::fs::read_to_string(data.join(CERTIFICATE_FILE)).map_err(failed)?;
                (key, certificate)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let (key, certificate) = make().map_err(|_| Error::AuthorityDamaged)?;
                // The certificate first: a key without one could not be told from a damaged folder.
                write(&data.join(CERTIFICATE_FILE), &certificate, 0o644).map_err(failed)?;
                write(&data.join(KEY_FILE), &key, 0o600).map_err(failed)?;
                (key, certificate)
            }
            Err(error) => return Err(failed(error)),
        };
        let read = |_| Error::AuthorityDamaged;
        let key = KeyPair::from_pem(&key).map_err(read)?;
        let issuer = Issuer::from_ca_cert_pem(&certificate, key).map_err(read)?;
        Ok(Self { issuer, certificate })
    }

    /// The certificate of a node, PEM. Of the request only the key is taken.
    pub(crate) fn sign(&self, request: &str, name: &str) -> Result<String, NodeRefusal> {
        if request.len() > PEM_BYTES_MAX {
            return Err(NodeRefusal::RequestInvalid);
        }
        let refused = |_| NodeRefusal::RequestInvalid;
        let mut request = CertificateSigningRequestParams::from_pem(request).map_err(refused)?;
        let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(refused)?;
        params.distinguished_name = named(name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        request.params = params;
        Ok(request.signed_by(&self.issuer).map_err(refused)?.pem())
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// A new authority: its key and its certificate, PEM.
fn make() -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = named("Diem Cau media nodes");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok((key.serialize_pem(), params.self_signed(&key)?.pem()))
}

/// Writes a file so that a crash leaves the whole of it or none.
fn write(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn request() -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["somebody-else".to_owned()]).unwrap();
        params.serialize_request(&key).unwrap().pem().unwrap()
    }

    #[test]
    fn a_node_is_named_by_the_authority_and_not_by_its_request() {
        let data = tempfile::tempdir().unwrap();
        let authority = Authority::load(data.path()).unwrap();
        let pem = authority.sign(&request(), "cum-bac").unwrap();
        let der = pem_bytes(&pem);
        let holds = |text: &str| der.windows(text.len()).any(|it| it == text.as_bytes());
        assert!(holds("cum-bac") && !holds("somebody-else"));
        assert_eq!(authority.sign("not a request", "a"), Err(NodeRefusal::RequestInvalid));
        let long = "x".repeat(PEM_BYTES_MAX + 1);
        assert_eq!(authority.sign(&long, "a"), Err(NodeRefusal::RequestInvalid));
    }

    #[test]
    fn an_authority_stays_the_same_and_its_key_is_nobody_elses() {
        let data = tempfile::tempdir().unwrap();
        let first = Authority::load(data.path()).unwrap().certificate;
        assert_eq!(Authority::load(data.path()).unwrap().certificate, first);
        let mode = std::fs::metadata(data.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(data.path().join(KEY_FILE), "damaged").unwrap();
        assert!(Authority::load(data.path()).is_err(), "damaged: not silently made anew");
    }

    fn pem_bytes(pem: &str) -> Vec<u8> {
        use base64::Engine as _;
        let body: String = pem.lines().filter(|it| !it.starts_with("---")).collect();
        base64::engine::general_purpose::STANDARD.decode(body).unwrap()
    }
}
