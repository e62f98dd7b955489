//! The cases of `data/smuggling.txt`.

const TEXT: &str = include_str!("../../data/smuggling.txt");

/// Bytes to send, and how many requests our doors make of them.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// In the whole corpus; also in every target of the case.
    pub(super) number: usize,
    /// Name of its block.
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    /// Requests that reach a handler of the router's door, and of the edge's.
    pub(super) router: usize,
    pub(super) edge: usize,
}

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for block in TEXT.split("\n[").skip(1) {
        let (first, template) = block.split_once('\n').unwrap();
        let (name, counts) = first.split_once("] ").unwrap();
        let (router, edge) = counts.split_once(' ').unwrap();
        let template = template.replace('\n', "");
        for text in expand(&template) {
            let number = cases.len();
            let end = "GET /&&/end HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n";
            let bytes = bytes(&format!("{text}{end}").replace("&&", &format!("{number:04}")));
            let (router, edge) = (router.parse().unwrap(), edge.parse().unwrap());
            cases.push(Case { number, name, bytes, router, edge });
        }
    }
    cases
}

/// Every choice of alternatives.
fn expand(template: &str) -> Vec<String> {
    let Some((before, rest)) = template.split_once("<<") else { return vec![template.to_owned()] };
    let (choices, after) = rest.split_once(">>").unwrap();
    let afters = expand(after);
    choices
        .split('|')
        .flat_map(|choice| afters.iter().map(move |after| format!("{before}{choice}{after}")))
        .collect()
}

/// Resolves what begins with a backslash.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        let (kind, after) = escaped.split_at(1);
        rest = after;
        match kind {
            "r" => bytes.push(b'\r'),
            "n" => bytes.push(b'\n'),
            "t" => bytes.push(b'\t'),
            "0" => bytes.push(0),
            "\\" => bytes.push(b'\\'),
            "x" => {
                let (digits, after) = after.split_at(2);
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = after;
            }
            "(" => {
                let (many, after) = after.split_once(')').unwrap();
                let (count, byte) = many.split_once(' ').unwrap();
                bytes.extend(byte.repeat(count.parse().unwrap()).bytes());
                rest = after;
            }
            other => panic!("the corpus has \\{other}"),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

#[test]
fn templates_become_bytes() {
    assert_eq!(expand("a<<b|c>>d<<|e>>"), ["abd", "abde", "acd", "acde"]);
    assert_eq!(bytes(r"a\r\n\t\0\x7f\\\(3 x)b"), b"a\r\n\t\0\x7f\\xxxb");
    let cases = cases();
    assert!(cases.len() >= 300, "{}", cases.len());
    let request = b"GET /0007/end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert!(cases[7].number == 7 && cases[7].bytes.ends_with(request));
    // What is hidden in bodies is as long as their heads say.
    assert_eq!(b"GET /0007/smuggled HTTP/1.1\r\nHost: a\r\n\r\n".len(), 40);
}
