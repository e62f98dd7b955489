//! The client and peers behind TLS: a good one, and those that are not whom they say.

use std::{net::SocketAddr, sync::Arc};

use argosy_http::{AddressPolicy, Authorities, Client, ClientConfig, ClientError};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use crate::support::LONG;

const BODY: &str = "whole";

struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    Authority { certificate: params.self_signed(&key).unwrap(), issuer: Issuer::new(params, key) }
}

/// A certificate for `names`, changed before it is signed, and its key.
fn leaf(
    by: &Authority,
    names: &[&str],
    change: impl FnOnce(&mut CertificateParams),
) -> (Vec<CertificateDer<'static>>, KeyPair) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    (vec![params.signed_by(&key, &by.issuer).unwrap().der().clone()], key)
}

/// A port that speaks TLS with this certificate and has one answer.
async fn serve((chain, key): (Vec<CertificateDer<'static>>, KeyPair)) -> SocketAddr {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let web = web().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Clients that refuse the certificate end here.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut behind = TcpStream::connect(web).await.unwrap();
                copy_bidirectional(&mut stream, &mut behind).await.ok();
            });
        }
    });
    address
}

/// A port that answers every request on every connection alike.
async fn web() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = Vec::new();
                while stream.read_buf(&mut asked).await.is_ok_and(|read| read > 0) {
                    if asked.ends_with(b"\r\n\r\n") {
                        asked.clear();
                        let answer =
                            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

fn client(believed: &Authority) -> Client {
    Client::new(ClientConfig {
        addresses: AddressPolicy::Local,
        authorities: Authorities::Only([believed.certificate.der().to_vec()].into()),
        connect_timeout: LONG,
        ..ClientConfig::default()
    })
}

#[tokio::test]
async fn peers_behind_tls_are_asked_like_others() {
    let authority = authority();
    let address = serve(leaf(&authority, &["localhost", "127.0.0.1"], |_| ())).await;
    let client = client(&authority);
    for host in ["localhost", "127.0.0.1", "LOCALHOST"] {
        for _ in 0..2 {
            let response = client.get(&format!("https://{host}:{}/x", address.port())).await.unwrap();
            assert_eq!(response.collect(100).await.unwrap(), BODY, "{host}");
        }
    }
    // What was agreed by TLS is never used for a URL without it, nor the other way round.
    let plain = client.get(&format!("http://{address}/x")).await;
    assert!(!matches!(&plain, Ok(response) if response.status() == 200), "{plain:?}");
}

#[tokio::test]
async fn peers_that_are_not_whom_they_say_get_no_request() {
    let (good, other) = (authority(), authority());
    let local = ["localhost"];
    let not_an_authority = {
        let (mut chain, key) = leaf(&good, &local, |_| ());
        let issuer = Issuer::new(CertificateParams::new(vec!["localhost".to_owned()]).unwrap(), key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        chain.insert(0, params.signed_by(&key, &issuer).unwrap().der().clone());
        (chain, key)
    };
    let self_signed = {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (vec![params.self_signed(&key).unwrap().der().clone()], key)
    };
    let cases = [
        ("of another name", leaf(&good, &["elsewhere.example"], |_| ())),
        ("of no name", leaf(&good, &[], |_| ())),
        ("of too many stars", leaf(&good, &["*"], |_| ())),
        ("of yesterday", leaf(&good, &local, |params| params.not_after = date_time_ymd(2020, 1, 1))),
        ("of tomorrow", leaf(&good, &local, |params| params.not_before = date_time_ymd(2999, 1, 1))),
        ("by an unknown authority", leaf(&other, &local, |_| ())),
        ("by itself", self_signed),
        ("by one that is no authority", not_an_authority),
        (
            "for clients",
            leaf(&good, &local, |params| {
                params.insert_extended_key_usage(ExtendedKeyUsagePurpose::ClientAuth);
            }),
        ),
    ];
    let client = client(&good);
    for (what, certificate) in cases {
        let address = serve(certificate).await;
        let error = client.get(&format!("https://localhost:{}/x", address.port())).await.unwrap_err();
        assert!(matches!(error, ClientError::Tls { .. }), "{what}: {error:?}");
        assert_eq!(
            error.to_string(),
            format!("cannot agree with https://localhost:{} on TLS", address.port())
        );
    }
}

#[tokio::test]
async fn older_tls_and_no_tls_are_refused() {
    let authority = authority();
    // A server that chooses TLS 1.1, as well as one can without speaking it.
    let mut old = vec![0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2];
    old.extend([7; 32]);
    old.extend([0, 0, 0x2f, 0]);
    for answer in [old, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec(), Vec::new()] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 64]).await.unwrap() > 0);
            stream.write_all(&answer).await.unwrap();
        });
        let error = client(&authority).get(&format!("https://localhost:{port}/x")).await.unwrap_err();
        assert!(matches!(error, ClientError::Tls { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn without_authorities_the_error_says_what_to_do() {
    let authority = authority();
    let address = serve(leaf(&authority, &["localhost"], |_| ())).await;
    let nobody = Client::new(ClientConfig {
        addresses: AddressPolicy::Local,
        authorities: Authorities::Only([].into()),
        connect_timeout: LONG,
        ..ClientConfig::default()
    });
    let error = nobody.get(&format!("https://localhost:{}/x", address.port())).await.unwrap_err();
    let ClientError::Tls { source, .. } = error else { panic!("{error:?}") };
    assert!(source.to_string().contains("ca-certificates"), "{source}");
}
