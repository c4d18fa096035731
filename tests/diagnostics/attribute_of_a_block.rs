netwright::network! {
    /// Documentation is fine.
    #[cfg(test)]
    block pair(width) { dense (width) relu; dense (width) }

    pub Small(2) { pair(8); dense 1 }
}

fn main() {}
