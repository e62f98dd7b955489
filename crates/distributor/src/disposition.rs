//! `?download=NAME`: the object as a file to be saved, under a name that the link proposes.
//!
//! Source: RFC 6266 §4 and appendix D, RFC 8187 §3.2.

/// Longest name, in bytes of UTF-8; file systems allow 255.
const MAX_NAME_BYTES: usize = 200;
/// The parameter.
const PARAMETER: &str = "download";

/// The value of `Content-Disposition` that a query asks for; none if it does not ask.
pub(crate) fn of_query(query: Option<&str>) -> Option<String> {
    let asked = query?.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (name == PARAMETER).then_some(value)
    })?;
    let name = safe(&String::from_utf8_lossy(&decoded(asked)));
    if name.is_empty() {
        return Some("attachment".to_owned());
    }
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain == name {
        return Some(format!("attachment; filename=\"{plain}\""));
    }
    Some(format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", encoded(&name)))
}

/// `%41` and `+` as browsers write them; what is no escape stays as it is.
fn decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut out = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        let escape = after.first_chunk().filter(|_| byte == b'%').and_then(hexadecimal);
        match (byte, escape) {
            (_, Some(escaped)) => {
                out.push(escaped);
                rest = &after[2..];
                continue;
            }
            (b'+', None) => out.push(b' '),
            (byte, None) => out.push(byte),
        }
        rest = after;
    }
    out
}

fn hexadecimal(digits: &[u8; 2]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(text, 16).ok()
}

/// A name that is one file in whatever folder, and looks like what it is.
fn safe(name: &str) -> String {
    let shown = name.chars().filter(|&c| !is_hidden(c)).map(|c| if is_special(c) { '_' } else { c });
    let shown: String = shown.collect();
    // Leading dots hide files, and Windows drops what is trailing.
    let mut kept = shown.trim_matches([' ', '.']);
    if kept.len() > MAX_NAME_BYTES {
        kept = &kept[..kept.floor_char_boundary(MAX_NAME_BYTES)];
    }
    kept.trim_end_matches([' ', '.']).to_owned()
}

/// Characters that do not show, or turn around those beside them, so that `exe.mp4` is no `mp4`.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    ) || c.is_control()
}

/// Characters that mean something in a path, on some system.
fn is_special(c: char) -> bool {
    matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '\u{fffd}')
}

/// What all browsers take in a quoted string as it stands. Some undo escapes in it, so `%` is none.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && c != '%'
}

fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(3 * name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_proposed_as_they_are_meant() {
        let cases = [
            ("download=talk.mp4", "attachment; filename=\"talk.mp4\""),
            ("x=1&download=my+talk%20%281%29.mp4", "attachment; filename=\"my talk (1).mp4\""),
            ("download", "attachment"),
            ("download=", "attachment"),
            ("download=a.txt&download=b.txt", "attachment; filename=\"a.txt\""),
            (
                "download=na%C3%AFve%20plan.pdf",
                "attachment; filename=\"na_ve plan.pdf\"; filename*=UTF-8''na%C3%AFve%20plan.pdf",
            ),
            (
                "download=%E2%82%AC%20rates",
                "attachment; filename=\"_ rates\"; filename*=UTF-8''%E2%82%AC%20rates",
            ),
            ("download=100%25", "attachment; filename=\"100_\"; filename*=UTF-8''100%25"),
            ("download=50%", "attachment; filename=\"50_\"; filename*=UTF-8''50%25"),
        ];
        for (query, expected) in cases {
            assert_eq!(of_query(Some(query)).as_deref(), Some(expected), "{query}");
        }
        for query in ["", "x=1", "Download=a", "downloads=a", "x=download=a"] {
            assert_eq!(of_query(Some(query)), None, "{query}");
        }
        assert_eq!(of_query(None), None);
    }

    #[test]
    fn hostile_names_are_tame() {
        let cases = [
            ("..%2f..%2fetc%2fpasswd", "\"_.._etc_passwd\""),
            ("..%5c..%5cwindows", "\"_.._windows\""),
            ("C%3A%5Cboot.ini", "\"C__boot.ini\""),
            (".bashrc", "\"bashrc\""),
            ("a%22%3B%20filename%3D%22b.exe", "\"a_; filename=_b.exe\""),
            ("a%0d%0aset-cookie%3A%20x%3Dy", "\"aset-cookie_ x=y\""),
            ("a%00.mp4", "\"a.mp4\""),
            ("photo%E2%80%AEgnp.exe", "\"photognp.exe\""),
            ("a%E2%80%8B.mp4", "\"a.mp4\""),
            ("a.exe%20.%20", "\"a.exe\""),
            ("a%ff.mp4", "\"a_.mp4\""),
            ("%3Cscript%3E.html", "\"_script_.html\""),
        ];
        for (name, expected) in cases {
            let value = of_query(Some(&format!("download={name}"))).unwrap();
            assert_eq!(value, format!("attachment; filename={expected}"), "{name}");
        }
        for nothing in ["...", "%20", "%E2%80%AE", "%00"] {
            assert_eq!(of_query(Some(&format!("download={nothing}"))).as_deref(), Some("attachment"));
        }
        let long = of_query(Some(&format!("download={}", "%C3%A9".repeat(500)))).unwrap();
        assert!(long.ends_with(&"%C3%A9".repeat(100)) && !long.contains(&"%C3%A9".repeat(101)), "{long}");
    }

    #[test]
    fn no_text_leaves_its_value() {
        for byte in 0..=255_u8 {
            for around in ["", "a", "%"] {
                let value = of_query(Some(&format!("download=a%{byte:02x}{around}b"))).unwrap();
                assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{value}");
                assert_eq!(value.matches('"').count(), 2, "{value}");
                assert!(!value.contains(['\\', '/', '<']), "{value}");
            }
        }
    }
}
