//! What only a browser can tell: the address bar, the worker's line, and the attributes that the
//! page writes.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::rc::Rc;

use gloo::timers::future::TimeoutFuture;
use quartermeg_web::bridge::{Bridge, Said};
use quartermeg_web::io::{document, fetch, fragment, storage};
use quartermeg_web::{build, protocol};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn the_newest_fragment_is_written_and_not_heard_as_a_change() {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let listener = {
        let heard = heard.clone();
        fragment::listen(move |fragment| heard.borrow_mut().push(fragment))
    };
    // The page of the tests has a fragment of its own.
    let before = fragment::read();
    let writer = fragment::FragmentWriter::default();
    writer.write("v=1&seed=2");
    writer.write("v=1&seed=3");
    assert_eq!(fragment::read(), before);
    TimeoutFuture::new(500).await;
    assert_eq!(fragment::read(), "v=1&seed=3");
    assert!(fragment::link("v=1&seed=4").ends_with("#v=1&seed=4"));
    assert!(!fragment::link("").contains('#'));
    assert!(heard.borrow().is_empty());

    let location = web_sys::window().expect("a window").location();
    location.set_hash("v=1&seed=9").expect("a hash");
    TimeoutFuture::new(100).await;
    assert_eq!(*heard.borrow(), ["v=1&seed=9"]);
    drop(listener);
    location.set_hash(&before).expect("a hash");
    TimeoutFuture::new(100).await;
    assert_eq!(heard.borrow().len(), 1);
}

#[wasm_bindgen_test]
async fn a_worker_without_a_script_is_told_as_lost_once() {
    let said = Rc::new(RefCell::new(Vec::new()));
    let bridge = {
        let said = said.clone();
        Bridge::new(move |what| said.borrow_mut().push(what))
    };
    bridge.send(protocol::ToWorker {
        id: 1,
        request: protocol::Request::Pause,
    });
    for _ in 0..100 {
        TimeoutFuture::new(50).await;
        if !said.borrow().is_empty() {
            break;
        }
    }
    assert!(matches!(said.borrow()[..], [Said::Lost(_)]));
}

#[wasm_bindgen_test]
async fn a_file_that_is_not_there_is_said_in_a_sentence() {
    let sentence = fetch::bytes("The network", "no/such/file")
        .await
        .expect_err("there is no such file");
    assert!(sentence.starts_with("The network (no/such/file) cannot be loaded: "));
}

#[wasm_bindgen_test]
fn builds_are_written_on_the_document() {
    document::mark_ready(build::ID, true);
    let root = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.document_element())
        .expect("a document");
    let expected = format!("page:{} worker:true", build::SIMD);
    assert_eq!(root.get_attribute("data-simd"), Some(expected));
    assert_eq!(root.get_attribute("data-build").as_deref(), Some(build::ID));
}

#[wasm_bindgen_test]
fn what_is_kept_is_read_until_it_is_removed() {
    storage::write("test", "first").expect("room");
    storage::write("test", "second").expect("room");
    assert_eq!(storage::read("test").as_deref(), Some("second"));
    storage::remove("test");
    assert_eq!(storage::read("test"), None);
    let too_much = "x".repeat(32 << 20);
    let refused = storage::write("test", &too_much).expect_err("no room");
    assert!(!refused.is_empty());
    assert_eq!(storage::read("test"), None);
}
