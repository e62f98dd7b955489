use super::*;

fn public(scheme: KeyScheme, uri: &str) -> String {
    hex::encode(Keypair::from_uri(scheme, uri).unwrap().account().0)
}

/// Source: `subkey inspect //Alice`, `//Bob`, and `--scheme ed25519 //Alice`.
#[test]
fn development_keys_are_substrates() {
    assert_eq!(
        public(KeyScheme::Sr25519, "//Alice"),
        "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
    );
    assert_eq!(
        public(KeyScheme::Sr25519, "//Bob"),
        "8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48"
    );
    assert_eq!(
        public(KeyScheme::Ed25519, "//Alice"),
        "88dc3417d5058ec4b4503e0c12ea1a0a89be200fe98922423d4334014fa6b0ee"
    );
}

#[test]
fn ss58_round_trips_and_matches_the_generic_prefix() {
    let alice = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap().account();
    assert_eq!(alice.to_ss58(42), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
    for prefix in [0, 42, 63, 64, 126, 255, 16_383] {
        assert_eq!(AccountId::from_ss58(&alice.to_ss58(prefix)), Ok(alice), "prefix {prefix}");
    }
    assert_eq!(
        AccountId::from_ss58("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQX"),
        Err(KeyError::Address)
    );
    assert_eq!(AccountId::from_ss58(""), Err(KeyError::Address));
}

#[test]
fn a_signature_holds_for_its_message_and_account_only() {
    for scheme in [KeyScheme::Sr25519, KeyScheme::Ed25519] {
        let alice = Keypair::from_uri(scheme, "//Alice").unwrap();
        let bob = Keypair::from_uri(scheme, "//Bob").unwrap();
        let signature = alice.sign(b"message");
        assert_eq!(signature, alice.sign(b"message"), "signing is deterministic");
        assert!(signature.verify(&alice.account(), b"message"));
        assert!(!signature.verify(&alice.account(), b"massage"));
        assert!(!signature.verify(&bob.account(), b"message"));
    }
}

const DEV_PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

/// Made with Polkadot-js' keyring 14 (`createFromUri`), which implements them apart from Substrate.
#[rustfmt::skip]
const KNOWN: &[(KeyScheme, &str, &str)] = &[
    (KeyScheme::Sr25519, "//Alice/soft", "02cfd83074aefc9955af4034d19b3780d47a52e158ababec8ec012b2295f1c5b"),
    (KeyScheme::Sr25519, "//18446744073709551615", "a4ca284d5222ef916e2e181430785972ed22cb51ef91a0c6cdbbd390ee74bc77"),
    (KeyScheme::Sr25519, "///password", "b69355deefa7a8f33e9297f5af22e680f03597a99d4f4b1c44be47e7a2275802"),
    (KeyScheme::Sr25519, "//Alice///password", "32fc18294f88e02ec071e59bb3996aa21f4519d92593dc6e01fda2921d459b23"),
    (KeyScheme::Sr25519, "bottom drive obey lake curtain smoke basket hold race lonely fit walk", "46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a"),
    (KeyScheme::Sr25519, "bottom drive obey lake curtain smoke basket hold race lonely fit walk//foo//bar/42/69", "e89d1b28164c6655f7dc34bcbea721393d99e1886c941d1e2ffe53463c4d5654"),
    (KeyScheme::Sr25519, "bottom drive obey lake curtain smoke basket hold race lonely fit walk//a-junction-that-is-longer-than-thirty-two-bytes/and-a-soft-one-that-is-longer-as-well", "f437a779ddc2592d5353857fb63d5432a4f549deeb8f4b59b1777d376a91b471"),
    (KeyScheme::Sr25519, "0x0123456789012345678901234567890123456789012345678901234567890123", "247d5c0f21644ed1657c890e6d6d2faa91dfe063572b63e6144f93c0a7f63a0d"),
    (KeyScheme::Sr25519, "0x0123456789012345678901234567890123456789012345678901234567890123//Alice/x", "26ceebaa83c422433d920e7be22559e8297f307661f44eb3856bba6e1956ed50"),
    (KeyScheme::Sr25519, "legal winner thank year wave sausage worth useful legal winner thank yellow", "625e25364c7b68e0a83065ccb40afed43f8fe933e669b24f3d69a57eddb3b715"),
    (KeyScheme::Sr25519, "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon address", "66933bd1f37070ef87bd1198af3dacceb095237f803f3d32b173e6b425ed7972"),
    (KeyScheme::Sr25519, "gravity machine north sort system female filter attitude volume fold club stay feature office ecology stable narrow fog", "c29909b6859eef724179d8f6245ffa5e11eabcb4756f67645e4e04a4c6453e2b"),
    (KeyScheme::Sr25519, "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter always///x", "aea35fbc8285279dfddd0b53ed6f94a88018366cf439e83306156de508a25e11"),
    (KeyScheme::Sr25519, "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold///ümläut", "5047d08562b6ce1fbbb9538ec7385f87c5f8ec2bbf80ae07d564ec553b73ce08"),
    (KeyScheme::Ed25519, "//18446744073709551615", "0a105b65e82a42f67f679bd8e0f8c7576a2cbc4edeb4c3261b14ec01de38cfcb"),
    (KeyScheme::Ed25519, "//Alice///password", "2818a78aba524c30f6054d7bf23dd78bc2d20c4111d00f6ba56a060e97e0d8d4"),
    (KeyScheme::Ed25519, "bottom drive obey lake curtain smoke basket hold race lonely fit walk", "345071da55e5dccefaaa440339415ef9f2663338a38f7da0df21be5ab4e055ef"),
    (KeyScheme::Ed25519, "0x0123456789012345678901234567890123456789012345678901234567890123", "4ff87c18844b0575b77946fb84a469b58d931622672b3c2614439bc9b609cdc4"),
    (KeyScheme::Ed25519, "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter always///x", "590419b808ed655077dd58290cb542b46dbaa96c6a3250a5cdf5f7bc90646c8f"),
    (KeyScheme::Ed25519, "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold///ümläut", "72e1fc55c407b65ebf3705b7dc2e55b7120ebb6cb40ea0f0303bb7536993ec32"),
];

#[test]
fn secret_uris_give_the_keys_that_other_programs_get() {
    for (scheme, uri, expected) in KNOWN {
        assert_eq!(public(*scheme, uri), *expected, "{scheme} {uri}");
    }
}

#[test]
fn no_phrase_is_the_public_development_phrase() {
    for rest in ["//Alice", "/1//2", "//Alice///pass/word", "/a//b///c///d", "///p"] {
        let long = alloc::format!("{DEV_PHRASE}{rest}");
        assert_eq!(public(KeyScheme::Sr25519, rest), public(KeyScheme::Sr25519, &long), "{rest}");
    }
    let account = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap().account();
    assert_eq!(account.to_ss58(DEFAULT_SS58_PREFIX), "j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf");
}

#[test]
fn a_key_after_a_soft_junction_signs() {
    let key = Keypair::from_uri(KeyScheme::Sr25519, "//Alice/soft/er//hard").unwrap();
    assert!(key.sign(b"message").verify(&key.account(), b"message"));
}

#[test]
fn twelve_words_stand_for_sixteen_bytes() {
    assert_eq!(
        phrase_of(&[0x7f; 16]).as_str(),
        "legal winner thank year wave sausage worth useful legal winner thank yellow"
    );
}

/// Source: Polkadot-js' unencrypted export of //Alice.
#[test]
fn an_expanded_secret_key_is_the_same_key() {
    let mut bytes = [0; 64];
    let digits = "98319d4ff8a9508c4bb0cf0b5a78d760a0b2082c02775e6e82370816fedfff48\
                  925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011";
    hex::decode_to_slice(digits, &mut bytes).unwrap();
    let alice = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap();
    let same = Keypair::from_expanded(&bytes).unwrap();
    assert_eq!(same.sign(b"message"), alice.sign(b"message"));
    assert_eq!(Keypair::from_expanded(&[0xff; 64]).unwrap_err(), KeyError::Expanded);
}

#[test]
fn odd_uris_are_refused_and_the_reason_is_named() {
    let long = "a".repeat(2000);
    let many = "//a".repeat(33);
    let word = DEV_PHRASE.replace("obey", "obay");
    let order = DEV_PHRASE.replace("bottom drive", "drive bottom");
    for (bad, expected) in [
        ("", KeyError::Empty),
        ("Alice", KeyError::WordCount { count: 1 }),
        ("//", KeyError::Junction),
        ("//Alice//", KeyError::Junction),
        ("//Alice/", KeyError::Junction),
        ("0x12", KeyError::Seed),
        ("0X12", KeyError::WordCount { count: 1 }),
        (&long, KeyError::TooLong),
        (&many, KeyError::Junction),
        (&word, KeyError::UnknownWord { position: 3 }),
        (&order, KeyError::PhraseChecksum),
    ] {
        assert_eq!(Keypair::from_uri(KeyScheme::Sr25519, bad).unwrap_err(), expected, "{bad:?}");
    }
    assert_eq!(Keypair::from_uri(KeyScheme::Ed25519, "//A/b").unwrap_err(), KeyError::SoftJunction);
    assert!(Keypair::from_uri(KeyScheme::Sr25519, &many[3..]).is_ok(), "32 junctions");
    assert_eq!("ecdsa".parse::<KeyScheme>(), Err(KeyError::Scheme));
}

proptest::proptest! {
    /// No panic, and no error that repeats a part of what was read.
    #[test]
    fn no_error_repeats_the_secret(
        words in proptest::collection::vec("[q-z]{6,9}", 1..26),
        rest in "(//?[q-z0-9]{6,9}){0,3}(///[q-z]{6,9})?",
    ) {
        let uri = alloc::format!("{}{rest}", words.join(" "));
        if let Err(error) = Keypair::from_uri(KeyScheme::Ed25519, &uri) {
            let text = alloc::format!("{error} {error:?}");
            for part in uri.split([' ', '/']).filter(|part| part.len() > 5) {
                proptest::prop_assert!(!text.contains(part), "{text} repeats {part}");
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a/0x \\PC]{0,40}") {
        let _ = Keypair::from_uri(KeyScheme::Sr25519, &text);
    }
}
