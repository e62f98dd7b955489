//! Files of others and our own, good, damaged and hostile.

use super::*;
use argosy_domain::{AccountId, KeyScheme, Keypair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::LazyLock};

const PHRASE: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
const PASSPHRASE: &str = "correct horse battery";

/// Polkadot-js' exports of accounts made for tests, with their passphrases.
///
/// Source: test of the crate `subalfred`; of the Python package `bittensor-wallet`; an example of Cere's
/// SDK; made with Polkadot-js' keyring 14, which asks for more work than those before.
#[rustfmt::skip]
const EXPORTS: &[(&str, &str, &str)] = &[
    ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "456123", r#"{"encoded":"paO3SvbXf/ktnJwuxB5Jn3L5Yxrv9JPhOLA4dplOFu8AgAAAAQAAAAgAAACuIZoAe4sfEiV55sUsZaGq9cCwddaqYdBE7rMSfZfYd7kjgw5YUIo7QB6e+PVY+q6Du8uRSxOOjR5++LTEavlppjbkEce38/MrsDmrKccUqxu+hjv8Rt/RK77btcSuWDm6CA5bgX3y2lKeYqJEidMbP68dSKEN8uOoEdOuCdAFCH1BHCKPhOcu80RNcQ9puZDqZdLoPxc7QDlF9LS5","encoding":{"content":["pkcs8","sr25519"],"type":["scrypt","xsalsa20-poly1305"],"version":"3"},"address":"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY","meta":{"genesisHash":"","name":"Alice","whenCreated":1701855108366}}"#),
    ("5CuByUQBWZci5AtXonuHHhcbRL3yxM5xDdJsTNaYN3vPDY6f", "Password123", r#"{"encoded":"Z1yzxASuj21ej3CANbZKc3ibDaOpQPMahTT0qkniyZgAgAAAAQAAAAgAAACSDgflXWKXrX36EmX9XcA6cRpkN+oZX30/9FhtNP17krIG/yHLKmDnL1km1W/nZ+BpC7Qid6IuBvbZeboFyewFeXsKtcoY/bRY6nx/cLB5BND9WpXXS6Enf4RXAX7vPu/BY+o2z7VwPaXyFARfyPTiqJKqLDJWm3W5ZlvK0ks8FBv66mWEBYc+lLx8jvuzDNkdD3pnV3G802OwwHTy","encoding":{"content":["pkcs8","sr25519"],"type":["scrypt","xsalsa20-poly1305"],"version":"3"},"address":"5CuByUQBWZci5AtXonuHHhcbRL3yxM5xDdJsTNaYN3vPDY6f","meta":{"genesisHash":null,"name":"test","whenCreated":1727395683981}}"#),
    ("5Dp6Yh9jFQ7Qa4tWjnGGNDS58vyLyrwNQsCWXHAqq5VMgL34", "uoft25", r#"{"encoded":"Q6Jpxoy4UIie2XhVoAKc3aTvxU+3xx4vReKrRtwi1vcAgAAAAQAAAAgAAADi8DWj0GyF3uH8d9+T1p+uWhgChu2HybU+mSJrioqjimp2bWrITxTlRp2jHKcHAzf8FbainLruKiTAzvyaevX2oPoT+sADbtBcWyhpx76p5wIcZqLUSSRBAakP+qhCukT5e3cDDUIplps+Y5HosaGNijEyzMhm/diXBNYxIxeGBfMNRjza9ZpnuBUVJBE2TspQbz8YnVXY6q3e2aKM","encoding":{"content":["pkcs8","ed25519"],"type":["scrypt","xsalsa20-poly1305"],"version":"3"},"address":"5Dp6Yh9jFQ7Qa4tWjnGGNDS58vyLyrwNQsCWXHAqq5VMgL34","meta":{}}"#),
    ("j4UR4MSTTYjb93r4t2z1ffg3BKJSgw9XifRkE1PUrhnWn7DJY", "correct horse", r#"{"encoded":"J5x+EZlSSIfLm7zPoj+ggS33LHROc1Qz4pAC2LAHsogAAAIAAQAAAAgAAABFJnWsrh/DTRujXtZhOCKwHPR5Eme9MTwBJsleLPsAVArp6rUcsdmOHEh8Z1QGmI9P3NK0HN/ZoYRndCMDpF+KekcFPW5zZs8q2xFz58g1uU9jyBO5ABr1ZOB/F6Htgx9DTysdjFT01RiXHGbr6JfM/dyEp6xBcCiGySGk3vrN8bsU1FBWhLX+ekU3qMSprPDxDP9XRCzlFi8BWqcI","encoding":{"content":["pkcs8","ed25519"],"type":["scrypt","xsalsa20-poly1305"],"version":"3"},"address":"j4UR4MSTTYjb93r4t2z1ffg3BKJSgw9XifRkE1PUrhnWn7DJY","meta":{"name":"x"}}"#),
];

/// The same without encryption. Source: a test of the MetaMask snap for Polkadot; Polkadot-js' keyring.
#[rustfmt::skip]
const PLAIN: &[(&str, &str)] = &[
    ("5Gk92fkWPUg6KNHSfP93UcPFhwGurM9RKAKU62Dg6upaCfH7", r#"{"encoded":"MFMCAQEwBQYDK2VwBCIEIGFiYTJkZDFhMTJlZWFmZGEzZmRhNjJhYTZkZmEyMWNhzwQ+E9kijYqTHOTMWO+9GtbF4vGTLDF06xUN+vkWW3OhIwMhAM8EPhPZIo2KkxzkzFjvvRrWxeLxkywxdOsVDfr5Fltz","encoding":{"content":["pkcs8","ed25519"],"type":["none"],"version":"3"},"address":"5Gk92fkWPUg6KNHSfP93UcPFhwGurM9RKAKU62Dg6upaCfH7","meta":{}}"#),
    ("j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf", r#"{"encoded":"MFMCAQEwBQYDK2VwBCIEIJgxnU/4qVCMS7DPC1p412CgsggsAndeboI3CBb+3/9IkloiXZeqAGgtalm5Wxh4DBDXAyM26I80QrQjYfSmYBGhIwMhANQ1k8cV/dMcYRQavQSpn9aCLIVYhUzN45pWhOelbaJ9","encoding":{"content":["pkcs8","sr25519"],"type":["none"],"version":"3"},"address":"j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf","meta":{"name":"x"}}"#),
];

fn alice() -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap()
}

fn phrase_key() -> AccountId {
    Keypair::from_uri(KeyScheme::Sr25519, PHRASE).unwrap().account()
}

fn sealed() -> &'static KeyFile {
    static SEALED: LazyLock<KeyFile> = LazyLock::new(|| {
        let secret = Secret::parse(KeyScheme::Sr25519, PHRASE).unwrap();
        KeyFile::seal("lead", KeyScheme::Sr25519, &secret, PASSPHRASE, Kdf::WEAKEST).unwrap()
    });
    &SEALED
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn given(texts: &[&str]) -> Passphrases {
    Passphrases::given(texts.iter().map(|text| Passphrase::from((*text).to_owned())).collect())
}

/// An error with its causes, as people see it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[test]
fn exports_of_polkadot_js_open_with_their_passphrase_only() {
    for (address, passphrase, json) in EXPORTS {
        let stored = StoredKey::parse(json).unwrap();
        assert_eq!(stored.account(), address.parse().unwrap());
        assert!(stored.is_encrypted());
        let (secret, pair) = stored.open(Some(passphrase)).unwrap();
        assert_eq!(pair.account(), stored.account());
        assert!(pair.sign(b"m").verify(&stored.account(), b"m"));
        // What `show --secret` prints can be read again.
        let again = Secret::parse(stored.scheme(), &secret.text()).unwrap();
        assert_eq!(again.keypair(stored.scheme()).unwrap().account(), stored.account());
        assert_eq!(stored.open(Some("wrong")).unwrap_err(), OpenError::Wrong);
        assert_eq!(stored.open(None).unwrap_err(), OpenError::Wrong);
    }
    let opened = StoredKey::parse(EXPORTS[0].2).unwrap().open(Some("456123")).unwrap().1;
    assert_eq!(opened.sign(b"message"), alice().sign(b"message"));
}

#[test]
fn exports_without_encryption_need_no_passphrase() {
    for (address, json) in PLAIN {
        let stored = StoredKey::parse(json).unwrap();
        assert!(!stored.is_encrypted());
        assert_eq!(stored.open(None).unwrap().1.account(), address.parse().unwrap());
    }
}

#[test]
fn what_is_not_taken_is_refused_by_name() {
    let (_, _, good) = EXPORTS[0];
    let (_, plain) = PLAIN[0];
    let cases = [
        (good.replace(r#""version":"3""#, r#""version":"2""#), FormatError::PolkadotVersion),
        (good.replace("\"sr25519\"", "\"ecdsa\""), FormatError::Scheme),
        (good.replace("\"sr25519\"", "\"ethereum\""), FormatError::Scheme),
        (good.replace("\"sr25519\"", "\"rsa\""), FormatError::NotPolkadot),
        (good.replace("xsalsa20-poly1305", "rot13"), FormatError::Cipher),
        (good.replace("5GrwvaEF5zXb", "5GrwvaEF5zXc"), FormatError::Address),
        (good.replace("\"encoded\":\"pa", "\"encoded\":\"!!"), FormatError::NotPolkadot),
        ("{}".to_owned(), FormatError::Unknown),
        ("[]".to_owned(), FormatError::Unknown),
        ("junk".to_owned(), FormatError::Unknown),
        (String::new(), FormatError::Unknown),
        (r#"{"encoded": 7}"#.to_owned(), FormatError::NotPolkadot),
        (r#"{"argosyKey": "x"}"#.to_owned(), FormatError::NotOwn),
        (r#"{"argosyKey": 2, "shards": 3}"#.to_owned(), FormatError::Newer { found: 2 }),
        (r#"{"argosyKey": 1}"#.to_owned(), FormatError::NotOwn),
    ];
    for (text, expected) in cases {
        assert_eq!(StoredKey::parse(&text).unwrap_err(), expected, "{text}");
    }
    let other = plain.replace("5Gk92fkWPUg6KNHSfP93UcPFhwGurM9RKAKU62Dg6upaCfH7", EXPORTS[0].0);
    let error = StoredKey::parse(&other).unwrap().open(None).unwrap_err();
    assert_eq!(error, OpenError::Format(FormatError::OtherAddress));
}

/// A file of this size must not make us take gigabytes, or an hour.
#[test]
fn insane_costs_are_refused_before_they_are_paid() {
    let json: serde_json::Value = serde_json::from_str(EXPORTS[0].2).unwrap();
    let bytes = STANDARD.decode(json["encoded"].as_str().unwrap()).unwrap();
    for (n, p, r) in [
        (1 << 31, 1, 8),
        (1 << 20, 1, 8),
        (1 << 15, u32::MAX, 8),
        (1 << 15, 1, u32::MAX),
        (0, 1, 8),
        (3, 1, 8),
    ] {
        let mut bytes = bytes.clone();
        for (at, number) in [(32, n), (36, p), (40, r)] {
            bytes[at..at + 4].copy_from_slice(&u32::to_le_bytes(number));
        }
        let mut json = json.clone();
        json["encoded"] = STANDARD.encode(&bytes).into();
        let error = StoredKey::parse(&json.to_string()).unwrap_err();
        assert!(matches!(error, FormatError::Kdf(_)), "{n} {p} {r}: {error}");
    }
    let own = sealed().to_json().replace("\"n\": 1024", "\"n\": 1099511627776");
    assert_eq!(StoredKey::parse(&own).unwrap_err(), FormatError::Kdf(KdfError::TooMuch));
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused() {
    let json: serde_json::Value = serde_json::from_str(EXPORTS[0].2).unwrap();
    let bytes = STANDARD.decode(json["encoded"].as_str().unwrap()).unwrap();
    for length in 0..84 {
        let mut json = json.clone();
        json["encoded"] = STANDARD.encode(&bytes[..length]).into();
        assert_eq!(StoredKey::parse(&json.to_string()).unwrap_err(), FormatError::Truncated, "{length}");
    }
    for (_, plain) in PLAIN {
        let json: serde_json::Value = serde_json::from_str(plain).unwrap();
        let bytes = STANDARD.decode(json["encoded"].as_str().unwrap()).unwrap();
        for length in 0..bytes.len() {
            let mut json = json.clone();
            json["encoded"] = STANDARD.encode(&bytes[..length]).into();
            let error = StoredKey::parse(&json.to_string()).unwrap().open(None).unwrap_err();
            assert_eq!(error, OpenError::Format(FormatError::Content), "{length}");
        }
    }
    let own = sealed().to_json();
    for length in 0..own.trim_end().len() {
        assert!(StoredKey::parse(&own[..length]).is_err(), "{length}");
    }
}

#[test]
fn our_own_file_gives_back_what_it_was_given() {
    for (scheme, text) in [
        (KeyScheme::Sr25519, PHRASE.to_owned()),
        (KeyScheme::Ed25519, format!("{PHRASE}//a//b///password")),
        (KeyScheme::Ed25519, format!("0x{}", "07".repeat(32))),
        (KeyScheme::Sr25519, StoredKey::parse(PLAIN[1].1).unwrap().open(None).unwrap().0.text().to_string()),
    ] {
        let secret = Secret::parse(scheme, &text).unwrap();
        let file = KeyFile::seal("lead", scheme, &secret, PASSPHRASE, Kdf::WEAKEST).unwrap();
        let json = file.to_json();
        let words: Vec<&str> = text.split(' ').filter(|word| word.len() > 4).collect();
        assert!(words.iter().all(|word| !json.contains(word)), "{json}");
        let stored = StoredKey::parse(&json).unwrap();
        assert_eq!((stored.scheme(), stored.label(), stored.format()), (scheme, Some("lead"), "argosy"));
        let (again, pair) = stored.open(Some(PASSPHRASE)).unwrap();
        assert_eq!(*again.text(), text);
        assert_eq!(pair.account(), stored.account());
        assert_eq!(stored.open(Some("another")).unwrap_err(), OpenError::Wrong);
        assert_eq!(KeyFile::parse(&json).unwrap(), file);
    }
}

#[test]
fn two_seals_of_one_secret_share_neither_salt_nor_nonce() {
    let secret = Secret::parse(KeyScheme::Sr25519, PHRASE).unwrap();
    let seal =
        || KeyFile::seal("a", KeyScheme::Sr25519, &secret, PASSPHRASE, Kdf::WEAKEST).unwrap().to_json();
    let (one, two): (serde_json::Value, serde_json::Value) =
        (serde_json::from_str(&seal()).unwrap(), serde_json::from_str(&seal()).unwrap());
    assert_ne!(one["kdf"]["salt"], two["kdf"]["salt"]);
    assert_ne!(one["cipher"]["nonce"], two["cipher"]["nonce"]);
    assert_ne!(one["secret"], two["secret"]);
}

/// What says whose key it is, and how dear a guess is, cannot be swapped under the secret.
#[test]
fn a_file_whose_head_was_changed_does_not_open() {
    let json = sealed().to_json();
    let address = phrase_key().to_string();
    for (from, to) in [
        (address.as_str(), alice().account().to_string().as_str()),
        ("\"sr25519\"", "\"ed25519\""),
        ("\"n\": 1024", "\"n\": 2048"),
    ] {
        let changed = json.replace(from, to);
        assert_ne!(changed, json);
        assert_eq!(StoredKey::parse(&changed).unwrap().open(Some(PASSPHRASE)).unwrap_err(), OpenError::Wrong);
    }
    let more = json.replace("\"name\"", "\"extra\": 1, \"name\"");
    assert_eq!(StoredKey::parse(&more).unwrap_err(), FormatError::NotOwn);
}

#[test]
fn a_secret_that_others_can_read_is_refused_with_the_command_that_helps() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.json");
    for mode in [0o640, 0o604, 0o660, 0o644] {
        write(&path, PLAIN[1].1, mode);
        let error = chain(&StoredKey::read(&path).unwrap_err());
        assert!(error.ends_with(&format!("run chmod 600 {}", path.display())), "{error}");
        write(&path, PHRASE, mode);
        let error = chain(&read_secret_text(&path).unwrap_err());
        assert!(error.ends_with(&format!("run chmod 600 {}", path.display())), "{error}");
        write(&path, PASSPHRASE, mode);
        assert!(matches!(Passphrases::file(&path).for_new("k"), Err(PassphraseError::File(_))));
    }
    for mode in [0o600, 0o400] {
        write(&path, PLAIN[1].1, mode);
        assert_eq!(StoredKey::read(&path).unwrap().account(), alice().account());
    }
    // An encrypted one is used, with a warning.
    write(&path, &sealed().to_json(), 0o644);
    let mut keyring = Keyring::default();
    keyring.add(Key::from_file(&path).unwrap());
    assert!(keyring.warnings()[0].contains(&format!("run chmod 600 {}", path.display())));
    assert!(keyring.of(&phrase_key()).unwrap().unlock(&given(&[PASSPHRASE])).is_ok());
}

#[test]
fn an_absent_file_is_told_from_one_that_is_of_no_use() {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str| Keyring::read(&[KeySource::file(dir.path().join(name))]).unwrap_err();
    assert!(read("nothing.json").is_absent());
    write(&dir.path().join("junk"), "junk", 0o600);
    write(&dir.path().join("big"), &" ".repeat(65_537), 0o600);
    fs::write(dir.path().join("bytes"), [0xff, 0xfe]).unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    for name in ["junk", "big", "bytes", "folder"] {
        assert!(!read(name).is_absent(), "{name}");
    }
    assert!(chain(&read("big")).contains("more than 65536 bytes"));
    assert!(chain(&read("folder")).contains("not a plain file"));
    let source = KeySource::File {
        keyfile: dir.path().join("own.json"),
        passphrase_file: Some(dir.path().join("no-passphrase")),
    };
    write(&dir.path().join("own.json"), &sealed().to_json(), 0o600);
    assert!(Keyring::open(&[source]).unwrap_err().is_absent());
}

#[test]
fn keys_of_a_configuration_are_found_by_account() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("own.json"), &sealed().to_json(), 0o600);
    write(&dir.path().join("pass"), &format!("{PASSPHRASE}\n"), 0o600);
    let mut sources: Vec<KeySource> = serde_json::from_str(&format!(
        r#"[{{"suri":"//Alice"}},{{"suri":"//Bob","type":"ed25519"}},{{"mnemonic":"{PHRASE}","type":"ed25519"}},
            {{"keyfile":"own.json","passphraseFile":"pass"}}]"#
    ))
    .unwrap();
    sources.iter_mut().for_each(|source| source.resolve(dir.path()));
    let locked = Keyring::read(&sources).unwrap();
    assert!(locked.of(&phrase_key()).is_some() && locked.open_of(&phrase_key()).is_none());
    let keys = Keyring::open(&sources).unwrap();
    assert_eq!(keys.open_of(&phrase_key()).unwrap().account(), phrase_key());
    assert_eq!(keys.accounts().count(), 4);
    let bob = Keypair::from_uri(KeyScheme::Ed25519, "//Bob").unwrap();
    assert_eq!(keys.of(&bob.account()).unwrap().scheme(), KeyScheme::Ed25519);
    assert!(keys.of(&AccountId([0; 32])).is_none());
}

#[test]
fn a_bad_entry_is_named_by_its_place_and_not_repeated() {
    let bad = |text: &str| {
        let sources: Vec<KeySource> =
            serde_json::from_str(&format!(r#"[{{"suri":"//Alice"}},{text}]"#)).unwrap();
        chain(&Keyring::read(&sources).unwrap_err())
    };
    let error = bad(r#"{"suri":"secret words"}"#);
    assert!(error.starts_with("keys[1] cannot be read: ") && !error.contains("secret words"), "{error}");
    assert!(
        bad(r#"{"suri":"//A","type":"ecdsa"}"#).contains("sr25519 or ed25519; the directory takes no others")
    );
    assert!(bad(r#"{"suri":""}"#).contains("no secret is given"));
    for seed in [format!("0x{}", "11".repeat(32)), "//Alice".to_owned()] {
        assert!(bad(&format!(r#"{{"mnemonic":"{seed}"}}"#)).contains("a phrase of 12 to 24 words"));
    }
    let many = vec![KeySource::sr25519("//Alice"); 65];
    assert!(matches!(Keyring::read(&many), Err(KeysError::TooMany)));
}

#[test]
fn only_the_key_that_is_needed_asks_for_a_passphrase() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("lead.json"), &sealed().to_json(), 0o600);
    write(&dir.path().join("other.json"), EXPORTS[1].2, 0o600);
    let mut keys = Keyring::default().with_origin("/etc/argosy/distributor.yml");
    keys.add(Key::open("alice", alice()));
    keys.add_folder(dir.path()).unwrap();
    assert_eq!(keys.keys().map(Key::name).collect::<Vec<_>>(), ["alice", "lead", "other"]);
    // Nobody could answer, and nobody needs to.
    assert!(keys.signer(&alice().account(), "member 0", &Passphrases::nowhere()).is_ok());
    let error = keys.signer(&phrase_key(), "lead", &Passphrases::nowhere()).unwrap_err();
    assert!(matches!(error, SignError::Locked(UnlockError::Passphrase { .. })), "{error}");
    let error = keys.signer(&phrase_key(), "lead", &given(&["wrong", "words"])).unwrap_err();
    assert!(
        matches!(error, SignError::Locked(UnlockError::Closed { cause: OpenError::Wrong, .. })),
        "{error}"
    );
    let pair = keys.signer(&phrase_key(), "lead", &given(&["wrong", PASSPHRASE])).unwrap();
    assert_eq!(pair.account(), phrase_key());
    // It stays open.
    assert!(keys.signer(&phrase_key(), "lead", &Passphrases::nowhere()).is_ok());
}

#[test]
fn a_missing_key_is_named_with_those_at_hand_and_the_remedy() {
    let wanted = AccountId([7; 32]);
    let mut keys = Keyring::default();
    let error = keys.need(&wanted, "lead of the distribution group").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "no key for {wanted} (lead of the distribution group) among the keys at hand: there are none; \
             add it to `keys` in the configuration, or give --keyfile"
        )
    );
    keys.add(Key::open("alice\n\u{1b}[31m", alice()));
    for number in 0..10 {
        keys.add(Key::from_uri("more", KeyScheme::Sr25519, &format!("//{number}")).unwrap());
    }
    let error = keys.with_origin("/etc/d.yml").need(&wanted, "lead").unwrap_err().to_string();
    assert!(error.contains(&format!("alice[31m {}", alice().account())), "{error}");
    assert!(error.ends_with("and 3 more; add it to `keys` in /etc/d.yml, or give --keyfile"), "{error}");
}

#[test]
fn a_folder_of_keys_is_read_within_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode| write(&dir.path().join(name), text, mode);
    file("5Grw.json", EXPORTS[0].2, 0o600);
    file("plain", PLAIN[0].1, 0o600);
    file("own.json", &sealed().to_json(), 0o600);
    file("notes.txt", "not a key", 0o644);
    file(".hidden.json", EXPORTS[1].2, 0o600);
    file("big.json", &" ".repeat(70_000), 0o600);
    fs::create_dir(dir.path().join("folder.json")).unwrap();
    let mut keys = Keyring::default();
    keys.add_folder(dir.path()).unwrap();
    assert_eq!(keys.keys().map(Key::name).collect::<Vec<_>>(), ["5Grw", "own", "plain"]);
    assert_eq!(keys.warnings().len(), 2, "{:?}", keys.warnings());
    file("plain2", PLAIN[1].1, 0o644);
    assert!(chain(&Keyring::default().add_folder(dir.path()).unwrap_err()).contains("chmod 600"));
    fs::remove_file(dir.path().join("plain2")).unwrap();
    for number in 0..256 {
        file(&format!("n{number}"), "", 0o600);
    }
    assert!(matches!(Keyring::default().add_folder(dir.path()), Err(KeysError::FolderTooFull { .. })));
    assert!(Keyring::default().add_folder(&dir.path().join("none")).unwrap_err().is_absent());
}

#[test]
fn passphrases_come_from_files_and_descriptors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p");
    for (text, good) in [
        ("long enough\n", true),
        ("long enough", true),
        ("long enough\r\n", true),
        ("\n", false),
        ("", false),
        ("short\n", false),
        ("long enough\nand another\n", false),
    ] {
        write(&path, text, 0o600);
        let found = Passphrases::file(&path).for_new("k");
        assert_eq!(found.is_ok(), good, "{text:?}");
        if let Ok(passphrase) = found {
            assert_eq!(passphrase.as_str(), "long enough");
        }
    }
    write(&path, &"line of text\n".repeat(17), 0o600);
    let stored = StoredKey::parse(&sealed().to_json()).unwrap();
    let error = stored.unlock("k", &Passphrases::file(&path)).unwrap_err();
    assert!(chain(&error).contains("more than 16"), "{error}");
    write(&path, &format!("wrong\n{PASSPHRASE}\n"), 0o600);
    assert!(stored.unlock("k", &Passphrases::file(&path)).is_ok());
    use std::os::fd::AsRawFd as _;
    let file = fs::File::open(&path).unwrap();
    let number = u32::try_from(file.as_raw_fd()).unwrap();
    assert!(stored.unlock("k", &Passphrases::descriptor(number)).is_ok());
    assert!(matches!(
        Passphrases::descriptor(99_999).for_new("k"),
        Err(PassphraseError::Descriptor { number: 99_999, .. })
    ));
}

#[test]
fn a_folder_never_loses_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let folder = KeyFolder::new(dir.path().join("a/keys"));
    let name: KeyName = "lead".parse().unwrap();
    assert!(folder.list().unwrap().is_empty());
    let path = folder.add(&name, sealed()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(folder.path()), mode(&path)), (0o700, 0o600));
    assert!(matches!(folder.add(&name, sealed()), Err(FolderError::Exists(_))));
    assert_eq!(folder.read(&name).unwrap().account(), phrase_key());

    let secret = Secret::parse(KeyScheme::Sr25519, "//Next").unwrap();
    let next = KeyFile::seal("lead", KeyScheme::Sr25519, &secret, PASSPHRASE, Kdf::WEAKEST).unwrap();
    assert!(matches!(folder.replace_with_next(&name), Err(FolderError::Io { .. })), "there is no next");
    assert_eq!(folder.read(&name).unwrap().account(), phrase_key());
    // That try has made the second name already; the next one goes on from there.
    folder.add(&name.next().unwrap(), &next).unwrap();
    assert_eq!(folder.replace_with_next(&name).unwrap(), Some(name.old(1).unwrap()));
    assert_eq!(folder.read(&name).unwrap().account(), next.account());
    assert_eq!(folder.read(&name.old(1).unwrap()).unwrap().account(), phrase_key());
    folder.add(&name.next().unwrap(), sealed()).unwrap();
    assert_eq!(folder.replace_with_next(&name).unwrap(), Some(name.old(2).unwrap()));
    let listed = folder.list().unwrap();
    let names: Vec<&str> = listed.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["lead", "lead.old-1", "lead.old-2"]);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn names_of_keys_are_no_paths() {
    for good in ["a", "lead-2", "0", "a.b_c", &"x".repeat(64)] {
        assert!(good.parse::<KeyName>().is_ok(), "{good}");
    }
    for bad in ["", ".", "..", ".a", "-a", "a/b", "../a", "A", "ä", "a b", "a\n", &"x".repeat(65)] {
        assert!(bad.parse::<KeyName>().is_err(), "{bad}");
    }
    assert!("x".repeat(60).parse::<KeyName>().unwrap().next().is_err());
}

#[test]
fn new_phrases_differ_and_have_twelve_words() {
    let (one, two) = (Secret::random().unwrap().text(), Secret::random().unwrap().text());
    assert_ne!(one, two);
    assert_eq!(one.split(' ').count(), 12);
    assert!(Secret::parse(KeyScheme::Ed25519, &one).is_ok());
}

proptest! {
    /// Whatever is wrong with a file, the error does not tell what is in it, and nothing panics.
    #[test]
    fn no_error_repeats_what_a_file_holds(
        secret in "[G-Z]{12}",
        place in 0_usize..8,
        flip in any::<(usize, u8)>(),
    ) {
        let texts = [
            secret.clone(),
            format!(r#"{{"suri":"{secret}","encoded":"{secret}"}}"#),
            EXPORTS[0].2.replace("\"encoded\":\"", &format!("\"encoded\":\"{secret}")),
            EXPORTS[0].2.replace("\"3\"", &format!("\"{secret}\"")),
            PLAIN[1].1.replace("MFMC", &secret),
            sealed().to_json().replace("\"lead\"", &format!("\"{secret}\"")).replace("1024", "\"x\""),
            sealed().to_json().replace("scrypt", &secret),
            format!("{PHRASE} {secret}"),
        ];
        let mut bytes = texts[place].clone().into_bytes();
        let at = flip.0 % bytes.len();
        bytes[at] ^= flip.1 & 0x7f;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        fs::write(&path, &bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let mut errors = String::new();
        match StoredKey::read(&path) {
            Err(error) => errors = format!("{} {error:?}", chain(&error)),
            Ok(stored) if !stored.is_encrypted() => {
                if let Err(error) = stored.open(None) {
                    errors = format!("{} {error:?}", chain(&error));
                }
            }
            Ok(_) => {}
        }
        let sources = [KeySource::sr25519(texts[place].clone())];
        if let Err(error) = Keyring::read(&sources) {
            errors.push_str(&format!("{} {error:?} {sources:?}", chain(&error)));
        }
        // Shorter pieces could be there by chance.
        for piece in secret.as_bytes().windows(6) {
            let piece = std::str::from_utf8(piece).unwrap();
            prop_assert!(!errors.contains(piece), "{errors}");
        }
    }
}
