//! The part of the Language Server Protocol that asks rust-analyzer what an editor would show.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The environment variable that names the server if it is not in `PATH`.
const VARIABLE: &str = "NETWRIGHT_RUST_ANALYZER";

/// Returns a rust-analyzer that runs: the one that the variable names, or the first in `PATH`. rustup's proxy does not run without the
/// component.
pub(crate) fn installed() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE).map(PathBuf::from) {
        assert!(runs(&named), "{VARIABLE} names {}, which does not run", named.display());
        return Some(named);
    }
    let paths = std::env::var_os("PATH")?;
    let program = format!("rust-analyzer{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&paths).map(|folder| folder.join(&program)).find(|path| path.is_file() && runs(path))
}

fn runs(server: &Path) -> bool {
    let output = Command::new(server).arg("--version").stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success() && output.stdout.starts_with(b"rust-analyzer"))
}

/// A position in the text: its line and column, both from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub line: u64,
    pub column: u64,
}

impl Position {
    /// Returns the position of byte `offset` of `text`.
    pub(crate) fn at(text: &str, offset: usize) -> Self {
        let before = &text[..offset];
        let column = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count();
        Self { line: before.matches('\n').count() as u64, column: column as u64 }
    }
}

/// An error as an editor shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub start: Position,
    pub end: Position,
    pub message: String,
}

/// A server with one file open.
pub(crate) struct Server {
    process: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    deadline: Instant,
    file: String,
    requests: u64,
    version: u64,
    quiescent: bool,
    status: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// Starts `program` in the crate at `root`, opens `file` with its `text`, and waits until everything is loaded.
    pub(crate) fn start(program: &Path, root: &Path, file: &Path, text: &str, limit: Duration) -> Self {
        let mut process = Command::new(program)
            .current_dir(root)
            .env("CARGO_NET_OFFLINE", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("rust-analyzer starts");
        let (input, output) = (process.stdin.take().expect("piped"), process.stdout.take().expect("piped"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let file = uri(file);
        let deadline = Instant::now() + limit;
        let mut server = Self {
            process,
            input,
            messages,
            deadline,
            file,
            requests: 0,
            version: 1,
            quiescent: false,
            status: String::new(),
        };
        server.request(
            "initialize",
            json!({
                "processId": std::process::id(),
                "rootUri": uri(root),
                "capabilities": {
                    "experimental": { "serverStatusNotification": true },
                    "textDocument": { "hover": { "contentFormat": ["markdown"] }, "diagnostic": {} },
                },
                "initializationOptions": {
                    "checkOnSave": false,
                    "cachePriming": { "enable": false },
                    "cargo": { "targetDir": true, "noDeps": false },
                },
            }),
        );
        server.notify("initialized", json!({}));
        let document = json!({ "uri": server.file, "languageId": "rust", "version": 1, "text": text });
        server.notify("textDocument/didOpen", json!({ "textDocument": document }));
        server.wait("loading the crate", |server| server.quiescent.then_some(()));
        server
    }

    /// Replaces the text of the file.
    pub(crate) fn change(&mut self, text: &str) {
        self.version += 1;
        let document = json!({ "uri": self.file, "version": self.version });
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": [{ "text": text }] }),
        );
    }

    /// Returns the text that hovering shows.
    pub(crate) fn hover(&mut self, position: Position) -> String {
        let answer = self.ask_at("textDocument/hover", position);
        answer["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns the offered completions.
    pub(crate) fn completion(&mut self, position: Position) -> Vec<String> {
        let answer = self.ask_at("textDocument/completion", position);
        let items = answer["items"].as_array().or(answer.as_array()).cloned().unwrap_or_default();
        items.iter().filter_map(|item| Some(item["label"].as_str()?.to_owned())).collect()
    }

    /// Returns the files and positions of the definition.
    pub(crate) fn definition(&mut self, position: Position) -> Vec<(String, Position)> {
        let answer = self.ask_at("textDocument/definition", position);
        let targets = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
        targets
            .iter()
            .filter_map(|target| Some((target["uri"].as_str()?.to_owned(), position_of(&target["range"]["start"])?)))
            .collect()
    }

    /// Returns the errors for the current text.
    pub(crate) fn mistakes(&mut self) -> Vec<Mistake> {
        let report = self.request("textDocument/diagnostic", json!({ "textDocument": { "uri": self.file } }));
        let found = report["items"].as_array().cloned().unwrap_or_default();
        let mistakes = found.iter().filter_map(|found| {
            let (start, end) = (position_of(&found["range"]["start"])?, position_of(&found["range"]["end"])?);
            Some(Mistake { start, end, message: found["message"].as_str()?.to_owned() })
        });
        mistakes.collect()
    }

    fn ask_at(&mut self, method: &str, position: Position) -> Value {
        let position = json!({ "line": position.line, "character": position.column });
        self.request(method, json!({ "textDocument": { "uri": self.file }, "position": position }))
    }

    fn request(&mut self, method: &str, parameters: Value) -> Value {
        const CONTENT_MODIFIED: i64 = -32801;
        const SERVER_CANCELLED: i64 = -32802;
        loop {
            self.requests += 1;
            let id = self.requests;
            self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters }));
            let answer = self.wait_for_answer(method, id);
            match answer["error"]["code"].as_i64() {
                None => return answer["result"].clone(),
                // The server was busy with a change: ask again.
                Some(CONTENT_MODIFIED | SERVER_CANCELLED) => std::thread::sleep(Duration::from_millis(100)),
                Some(_) => panic!("{method}: {}", answer["error"]),
            }
        }
    }

    fn wait_for_answer(&mut self, method: &str, id: u64) -> Value {
        loop {
            let message = self.next(method);
            if message["method"].is_null() && message["id"].as_u64() == Some(id) {
                return message;
            }
        }
    }

    fn wait<T>(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> Option<T>) -> T {
        loop {
            if let Some(done) = done(self) {
                return done;
            }
            self.next(what);
        }
    }

    /// Returns the next message, after answering a request of the server or storing its status.
    fn next(&mut self, what: &str) -> Value {
        let rest = self.deadline.saturating_duration_since(Instant::now());
        let message = match self.messages.recv_timeout(rest) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => {
                panic!("rust-analyzer took too long over {what}; it last said: {}", self.status)
            }
            Err(RecvTimeoutError::Disconnected) => {
                panic!("rust-analyzer ended during {what}; it last said: {}", self.status)
            }
        };
        let parameters = &message["params"];
        match (message["method"].as_str(), &message["id"]) {
            (Some("experimental/serverStatus"), _) => {
                self.quiescent = parameters["quiescent"] == true;
                self.status = parameters.to_string();
            }
            (Some(method), id) if !id.is_null() => {
                let result = match method {
                    "workspace/configuration" => {
                        Value::Array(vec![Value::Null; parameters["items"].as_array().map_or(0, Vec::len)])
                    }
                    _ => Value::Null,
                };
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
            }
            _ => {}
        }
        message
    }

    fn notify(&mut self, method: &str, parameters: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": parameters }));
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let sent = write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).and_then(|()| self.input.flush());
        sent.expect("rust-analyzer listens");
    }
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

fn position_of(value: &Value) -> Option<Position> {
    Some(Position { line: value["line"].as_u64()?, column: value["character"].as_u64()? })
}

fn uri(path: &Path) -> String {
    let path = path.display().to_string().replace('\\', "/").replace(' ', "%20");
    if path.starts_with('/') { format!("file://{path}") } else { format!("file:///{path}") }
}
