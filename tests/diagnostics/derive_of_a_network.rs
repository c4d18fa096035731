netwright::network! {
    /// A network is `Clone` and `Debug` already.
    #[derive(Clone, Debug)]
    pub Small(2) { dense 1 }

    #[derive(Default)]
    pub Other(2) { dense 1 }
}

fn main() {}
