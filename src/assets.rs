//! The pages, embedded: the binary carries `web/dist` as it was when it was compiled, compressed files
//! included, and needs no folder beside it.

use std::path::Path;
use std::sync::Arc;

use rust_embed::RustEmbed;
use signaling::{Asset, AssetSource};

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Dist;

/// Whether the pages were built when this binary was.
pub(crate) fn is_there() -> bool {
    Dist::get("index.html").is_some()
}

/// What the control plane asks for files of the pages.
pub(crate) fn source() -> AssetSource {
    Arc::new(find)
}

/// The file, compressed if the build left a compressed copy and the browser takes it.
fn find(path: &str, gzip: bool) -> Option<Asset> {
    let (file, encoding) = match gzip.then(|| Dist::get(&format!("{path}.gz"))).flatten() {
        Some(file) => (file, Some("gzip")),
        None => (Dist::get(path)?, None),
    };
    Some(Asset {
        bytes: file.data,
        content_type: content_type(path),
        encoding,
        // Vite puts everything with a hash in its name there, and nothing else.
        immutable: path.starts_with("assets/"),
    })
}

fn content_type(path: &str) -> &'static str {
    match Path::new(path).extension().and_then(|it| it.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "jpg" | "jpeg" => "image/jpeg",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" => "audio/ogg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_not_found() {
        assert!(find("no-such-file.js", true).is_none());
        assert!(find("../Cargo.toml", false).is_none());
    }

    #[test]
    fn scripts_and_pages_say_what_they_are() {
        assert_eq!(content_type("assets/a-1b2c.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("index.html"), "text/html; charset=utf-8");
        assert_eq!(content_type("LICENSE"), "application/octet-stream");
    }
}
