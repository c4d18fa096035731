netwright::network! {
    #[cfg(any())]
    pub Small(2) { dense 1 }

    #[cfg(all())]
    pub Small(2) { dense }
}

fn main() {
    let small = Small::init(1);
    let _ = small.predict(&[0.0; 2]);
}
