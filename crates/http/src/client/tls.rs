//! TLS to peers: their certificates are checked against the authorities of the system, always.

use std::{fmt, io, sync::Arc};

use rustls::{
    ClientConfig as TlsConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{net::TcpStream, sync::OnceCell, task::spawn_blocking};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Who may vouch for a peer's name.
#[derive(Clone, Default)]
pub enum Authorities {
    /// Those that the system trusts: the bundle of Debian's `ca-certificates` and the like, or what
    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    #[default]
    System,
    /// Just these certificates, in DER.
    Only(Arc<[Vec<u8>]>),
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Only(certificates) => write!(f, "Only({} certificates)", certificates.len()),
        }
    }
}

/// Opens TLS on connections. What it needs is read when it is needed first: most networks of one machine
/// never do.
#[derive(Default)]
pub(super) struct Tls {
    connector: OnceCell<TlsConnector>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// Agrees with the peer on a connection for `host`, a name or an address.
    ///
    /// # Errors
    /// That there are no authorities, that the peer's certificate is not good for `host`, or that it does
    /// not speak TLS 1.2 or 1.3.
    pub(super) async fn open(
        &self,
        authorities: &Authorities,
        host: &str,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, "no certificate can be for this name")
        })?;
        self.connector(authorities).await?.connect(name, stream).await
    }

    async fn connector(&self, authorities: &Authorities) -> io::Result<&TlsConnector> {
        self.connector
            .get_or_try_init(|| async {
                let authorities = authorities.clone();
                // The system's are a hundred files or more.
                spawn_blocking(move || connector(&authorities)).await.map_err(io::Error::other)?
            })
            .await
    }
}

/// Blocks the thread.
fn connector(authorities: &Authorities) -> io::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Authorities::System => {
            // Whatever is in a bundle beside good certificates does not make those worse.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Authorities::Only(certificates) => {
            roots.add_parsable_certificates(certificates.iter().map(|der| CertificateDer::from_slice(der)));
        }
    }
    if roots.is_empty() {
        let help = "the system has no certificate authorities: install the package ca-certificates, or name \
                    a file of them in SSL_CERT_FILE";
        return Err(io::Error::new(io::ErrorKind::NotFound, help));
    }
    let mut config = TlsConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
