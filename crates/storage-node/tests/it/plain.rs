//! Uploads as Joystream's clients send them.

use crate::network::{BAG, Network, answer, media};
use argosy_api::UploadToken;
use argosy_domain::{ContentId, DataObjectId};
use argosy_http::{Request, header};
use bytes::Bytes;

const BOUNDARY: &str = "----formdata-of-a-browser";

/// A form with these files.
fn form(files: &[&[u8]]) -> Bytes {
    let mut body = Vec::new();
    let part = |head: &str| format!("--{BOUNDARY}\r\ncontent-disposition: form-data; {head}\r\n\r\n");
    body.extend_from_slice(part("name=\"note\"").as_bytes());
    body.extend_from_slice(b"a field that is no file\r\n");
    for file in files {
        body.extend_from_slice(part("name=\"file\"; filename=\"../../etc/passwd\"").as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body.into()
}

async fn post(network: &Network, query: &str, token: Option<&UploadToken>, body: Bytes) -> (u16, String) {
    let url = network.url(0, &format!("/api/v1/files?{query}"));
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let mut request = Request::post(url).header(header::CONTENT_TYPE, kind).bytes(body);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let (status, body) = answer(network.client.send(request).await.unwrap()).await;
    (status, body.to_string())
}

fn query(id: DataObjectId) -> String {
    format!("dataObjectId={id}&storageBucketId=0&bagId={BAG}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_uploads_are_answered_as_colossus_answers_them() {
    let network = Network::start(2).await;
    let bytes = media(10, 2_500_000);
    let id = network.declare(&[&bytes]).await[0];
    let token = network.token("//Bob", id, 0);
    let far = DataObjectId(id.0 + 1);
    let bag_json = r#"{\"dynamic\":{\"channel\":1}}"#;
    let upload = |message: &str| format!(r#"{{"message":"Error: {message}","type":"upload"}}"#);
    let not_served = upload("Server is not accepting uploads into this bucket");
    for (query, status, body) in [
        (String::new(), 503, not_served.clone()),
        (format!("dataObjectId={id}&storageBucketId=1&bagId={BAG}"), 503, not_served.clone()),
        (format!("dataObjectId={id}&storageBucketId=0&bagId=x"), 400, upload("Invalid bagId: x")),
        (
            format!("dataObjectId={id}&storageBucketId=0&bagId=static:council"),
            400,
            upload(r#"Storage bag {\"static\":{\"council\":null}} is not assigned to storage bucket 0."#),
        ),
        (query(far), 400, upload(&format!("Data object {far} doesn't exist in storage bag {bag_json}"))),
    ] {
        assert_eq!(post(&network, &query, Some(&token), form(&[&bytes])).await, (status, body), "{query}");
    }
    let query = query(id);
    let (status, body) = post(&network, &query, None, form(&[&bytes])).await;
    assert!(status == 401 && body.contains("UPLOAD_TOKEN_MISSING"), "{status} {body}");

    let mut flipped = bytes.clone();
    flipped[1_000_000] ^= 1;
    let longer = [&bytes[..], b"x"].concat();
    let size = upload(&format!("File size doesn't match the data object's size for data object ID = {id}"));
    let hash = upload(&format!(
        "File multihash doesn't match the data object's ipfsContentId for data object ID = {id}"
    ));
    let many = r#"{"message":"Too many files","type":"request_exception"}"#.to_owned();
    for (files, status, body) in [
        (vec![&flipped[..]], 400, hash),
        (vec![&bytes[..2_499_999]], 400, size.clone()),
        (vec![&longer[..]], 400, size),
        (vec![&bytes[..], &bytes[..]], 413, many),
        (vec![], 400, upload("No file uploaded")),
    ] {
        assert_eq!(post(&network, &query, Some(&token), form(&files)).await, (status, body));
    }
    let status = network.status(0).await;
    assert_eq!((status.objects_count, status.bytes_used), (0, 0), "nothing of a refused upload stays");

    let uploaded = format!(r#"{{"id":"{}"}}"#, ContentId::of(&bytes));
    assert_eq!(post(&network, &query, Some(&token), form(&[&bytes])).await, (201, uploaded));
    network.held_by(id, &[0, 1]).await;
    assert_eq!(network.read(1, id).await.unwrap(), bytes[..]);
    let again = upload(&format!("Data object {id} already exists (in storage)"));
    assert_eq!(post(&network, &query, Some(&token), form(&[&bytes])).await, (400, again));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anonymous_uploads_are_taken_only_where_they_are_switched_on() {
    let mut network = Network::start(1).await;
    let bytes = media(11, 100_000);
    let id = network.declare(&[&bytes]).await[0];
    network.stop_node(0).await;
    let mut config = network.config(0);
    config.anonymous_uploads = true;
    network.start_node_with(0, config).await;
    let (status, body) = post(&network, &query(id), None, form(&[&bytes])).await;
    assert_eq!(status, 201, "{body}");
    network.held_by(id, &[0]).await;
}
