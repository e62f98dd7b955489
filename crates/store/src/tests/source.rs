//! Files about to be uploaded.

use crate::source::{SourceError, SourceFile};
use crate::tests::objects::{GROUP, Object};
use argosy_content::{GroupRange, slice_len};
use std::fs;

#[test]
fn a_file_is_hashed_once_and_any_slice_of_it_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("talk.mp4");
    for size in [1, GROUP, 150 * GROUP + 11] {
        let object = Object::new(1, size);
        fs::write(&path, &object.data).unwrap();
        let mut seen = Vec::new();
        let source = SourceFile::hash(&path, |bytes| seen.push(bytes)).unwrap();
        assert_eq!((source.meta(), source.path()), (object.meta, path.as_path()));
        assert!(seen.is_sorted());
        assert_eq!(seen.last(), Some(&object.meta.size));
        for groups in [object.whole(), GroupRange::new(object.groups() / 2, object.groups())] {
            let mut slice = source.encode_slice(groups);
            assert_eq!(slice.remaining(), slice_len(object.meta.size, groups));
            let mut bytes = Vec::new();
            while let Some(chunk) = slice.next_chunk().unwrap() {
                bytes.extend_from_slice(&chunk);
            }
            assert!(bytes == object.slice(groups));
        }
    }
}

#[test]
fn a_file_that_changes_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let object = Object::new(1, 100 * GROUP);
    let changes: [fn(&mut Vec<u8>); 3] =
        [|data| data[70 * GROUP] ^= 1, |data| data.truncate(70 * GROUP), |data| data.push(0)];
    for (number, change) in changes.into_iter().enumerate() {
        // While it is hashed.
        fs::write(&path, &object.data).unwrap();
        let mut changed = object.data.clone();
        change(&mut changed);
        let mut first = true;
        let hashed = SourceFile::hash(&path, |_| {
            if std::mem::take(&mut first) {
                fs::write(&path, &changed).unwrap();
            }
        });
        assert!(matches!(hashed, Err(SourceError::Changed(_))), "change {number}");
        // After it was hashed: an appended byte does no harm then.
        fs::write(&path, &object.data).unwrap();
        let source = SourceFile::hash(&path, |_| {}).unwrap();
        fs::write(&path, &changed).unwrap();
        let mut slice = source.encode_slice(object.whole());
        let end = loop {
            match slice.next_chunk() {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        match end {
            Ok(()) => assert_eq!(number, 2),
            Err(SourceError::Changed(found)) => assert_eq!(found, path),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn what_cannot_be_uploaded_is_said_plainly() {
    let dir = tempfile::tempdir().unwrap();
    let hash = |name: &str| SourceFile::hash(&dir.path().join(name), |_| {}).unwrap_err();
    fs::write(dir.path().join("empty"), b"").unwrap();
    fs::create_dir(dir.path().join("directory")).unwrap();
    assert!(matches!(hash("empty"), SourceError::Empty(_)));
    assert!(matches!(hash("directory"), SourceError::NotAFile(_)));
    assert!(matches!(hash("absent"), SourceError::Unreadable { .. }));
    assert!(hash("empty").to_string().ends_with("is empty: there is nothing to store"));
    let null = SourceFile::hash("/dev/null".as_ref(), |_| {}).unwrap_err();
    assert!(matches!(null, SourceError::NotAFile(_)));
}
