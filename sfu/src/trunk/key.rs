//! The key by which a node is known on trunks. It is made anew at each start and never leaves the process; the
//! authority of the control plane says whose it is.

use rcgen::{CertificateParams, KeyPair};

use crate::trunk::shell::{Credentials, TrunkError};

/// See the file's head.
pub struct NodeKey(KeyPair);

impl NodeKey {
    /// A new key.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn generate() -> Result<Self, TrunkError> {
        KeyPair::generate().map(Self).map_err(|_| TrunkError::Certificate)
    }

    /// The certificate request (PKCS #10, PEM). It names nobody: the authority does.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn request(&self) -> Result<String, TrunkError> {
        let failed = |_| TrunkError::Certificate;
        let params = CertificateParams::new(Vec::new()).map_err(failed)?;
        params.serialize_request(&self.0).and_then(|it| it.pem()).map_err(failed)
    }

    /// Key and certificate together. Both texts are PEM.
    ///
    /// # Errors
    /// One of them is none.
    pub fn certified(&self, certificate: &str, authority: &str) -> Result<Credentials, TrunkError> {
        Credentials::from_pem(certificate, &self.0.serialize_pem(), authority)
    }
}
