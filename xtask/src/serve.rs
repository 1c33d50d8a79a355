//! A static file server for this machine alone.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, anyhow};
use percent_encoding::percent_decode_str;
use tiny_http::{Header, Method, Request, Response, Server};

/// How many requests are answered at the same time; a browser opens six connections to a host.
const WORKERS: usize = 6;

/// A running server; it ends with the program.
pub(crate) struct Served {
    address: SocketAddr,
    workers: Vec<thread::JoinHandle<()>>,
}

impl Served {
    /// The address to open.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Waits as long as the server runs, which is until the user ends the program.
    pub(crate) fn wait(self) {
        for worker in self.workers {
            // A worker that panicked has said so; the others go on.
            drop(worker.join());
        }
    }
}

/// Serves the files below `root` on `port` of the loopback interface; port 0 is any free one.
pub(crate) fn start(root: &Path, port: u16) -> Result<Served> {
    let root = root
        .canonicalize()
        .with_context(|| format!("{} cannot be served", root.display()))?;
    let server = Server::http((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
        anyhow!("port {port} cannot be served on ({error}); choose another with --port")
    })?;
    let address = server
        .server_addr()
        .to_ip()
        .context("the server has no address")?;
    let server = Arc::new(server);
    let workers = (0..WORKERS)
        .map(|_| {
            let (server, root) = (Arc::clone(&server), root.clone());
            thread::spawn(move || {
                for request in server.incoming_requests() {
                    // The other side may have gone away, which is its right.
                    drop(answer(request, &root));
                }
            })
        })
        .collect();
    Ok(Served { address, workers })
}

fn answer(request: Request, root: &Path) -> io::Result<()> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return request.respond(plain(405, "Only GET and HEAD are answered here.\n"));
    }
    let Some(path) = resolve(root, request.url()) else {
        return request.respond(plain(404, "No such file.\n"));
    };
    match File::open(&path) {
        Ok(file) => {
            let mut response = Response::from_file(file);
            for header in headers(mime(&path)) {
                response.add_header(header);
            }
            request.respond(response)
        }
        Err(_) => request.respond(plain(404, "No such file.\n")),
    }
}

fn plain(status: u16, text: &str) -> Response<io::Cursor<Vec<u8>>> {
    let mut response = Response::from_string(text).with_status_code(status);
    for header in headers("text/plain; charset=utf-8") {
        response.add_header(header);
    }
    response
}

/// The headers of every answer. Nothing is cached, so that a rebuilt page shows on reload.
fn headers(mime: &str) -> impl Iterator<Item = Header> {
    [
        ("Content-Type", mime),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    .into_iter()
    .filter_map(|(name, value)| Header::from_bytes(name, value).ok())
}

/// Finds the file that a request means, or nothing if it lies outside `root` or does not exist.
///
/// `root` must be canonical.
fn resolve(root: &Path, url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?.strip_prefix('/')?;
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let mut file = root.to_path_buf();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        // A leading dot is a way up or a hidden file; the others are ways out on Windows.
        if part.starts_with('.') || part.contains(['\\', ':', '\0']) {
            return None;
        }
        file.push(part);
    }
    if path.is_empty() || path.ends_with('/') {
        file.push("index.html");
    }
    // A link may still lead outside, so the last word has the file system.
    let file = file.canonicalize().ok()?;
    (file.starts_with(root) && file.is_file()).then_some(file)
}

/// What a file is, by its extension.
fn mime(path: &Path) -> &'static str {
    match path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default()
    {
        "css" => "text/css; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "jpg" | "jpeg" => "image/jpeg",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "md" | "txt" => "text/plain; charset=utf-8",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    /// A folder with a page and a secret beside it.
    fn site() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("dist");
        fs::create_dir_all(root.join("static/a b")).unwrap();
        fs::write(root.join("index.html"), "<p>page</p>").unwrap();
        fs::write(root.join("page.wasm"), b"\0asm").unwrap();
        fs::write(root.join("static/a b/ü.css"), "p {}").unwrap();
        fs::write(root.join(".hidden"), "hidden").unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        (folder, root)
    }

    #[test]
    fn finds_what_lies_below_the_root() {
        let (_folder, root) = site();
        for (url, file) in [
            ("/", "index.html"),
            ("/index.html?x=/../..#y", "index.html"),
            ("//index.html", "index.html"),
            ("/static/a%20b/%C3%BC.css", "static/a b/ü.css"),
        ] {
            assert_eq!(resolve(&root, url), Some(root.join(file)), "{url}");
        }
    }

    #[test]
    fn finds_nothing_outside_the_root() {
        let (_folder, root) = site();
        for url in [
            "",
            "index.html",
            "http://elsewhere/index.html",
            "/missing",
            "/static",
            "/static/",
            "/.hidden",
            "/../secret",
            "/..%2fsecret",
            "/%2e%2e/secret",
            "/static/../../secret",
            "/..%5csecret",
            "/static\\..\\..\\secret",
            "/%2Fetc/passwd",
            "/c:/secret",
            "/index.html%00",
            "/%ff",
        ] {
            assert_eq!(resolve(&root, url), None, "{url}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn does_not_follow_a_link_out_of_the_root() {
        let (folder, root) = site();
        std::os::unix::fs::symlink(folder.path().join("secret"), root.join("link")).unwrap();
        assert_eq!(resolve(&root, "/link"), None);
    }

    #[test]
    fn answers_over_the_wire() {
        let (_folder, root) = site();
        let served = start(&root, 0).unwrap();
        assert!(served.address.ip().is_loopback());

        let ask = |line: &str| {
            let mut stream = TcpStream::connect(served.address).unwrap();
            write!(
                stream,
                "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        };

        let page = ask("GET /");
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        assert!(page.ends_with("<p>page</p>"), "{page}");

        let wasm = ask("GET /page.wasm");
        assert!(
            wasm.contains("Content-Type: application/wasm\r\n"),
            "{wasm}"
        );

        assert!(ask("HEAD /").starts_with("HTTP/1.1 200"));
        assert!(ask("POST /").starts_with("HTTP/1.1 405"));
        let outside = ask("GET /../secret");
        assert!(outside.starts_with("HTTP/1.1 404"), "{outside}");
    }
}
