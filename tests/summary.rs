//! The table of a network, which is the same from `summary()` and from `{}`.

use std::io::IsTerminal;

use netwright::Network;

netwright::network! {
    LeNet5(28x28x1) {
        conv 5x5x6 same tanh;  avgpool 2;
        conv 5x5x16 tanh;      avgpool 2;
        dense 120 tanh;        dense 84 tanh;
        softmax 10
    }

    block pair(width) { conv 3x3x(width) same bn relu; conv 3x3x(width) same bn relu }
    Blocks(8x8x3) { pair(4); pair(8); globalavgpool; dense 1 sigmoid }
}

const TABLE: &str = "\
layer                             output  parameters  multiply-adds
conv1     conv 5x5x6 same tanh   28x28x6         156        117,600
avgpool1  avgpool 2              14x14x6
conv2     conv 5x5x16 tanh      10x10x16       2,416        240,000
avgpool2  avgpool 2               5x5x16
dense1    dense 120 tanh             120      48,120         48,000
dense2    dense 84 tanh               84      10,164         10,080
softmax1  softmax 10                  10         850            840
                                              61,706        416,520
LeNet5 takes 28x28x1: 241.0 KiB of parameters, WORKSPACE of workspace for one image";

#[test]
fn the_table_of_a_network_is_its_summary_and_its_display() {
    let summary = LeNet5::summary().to_string();
    let workspace = format!("{:.1} KiB", LeNet5::WORKSPACE as f64 / 1024.0);
    assert_eq!(summary, TABLE.replace("WORKSPACE", &workspace), "\n{summary}");
    assert_eq!(LeNet5::init(1).to_string(), summary);
    let double = <LeNet5<f64> as Network>::init(1).to_string();
    assert!(double.contains("482.1 KiB of parameters"), "{double}");
    assert_eq!(double.lines().next(), summary.lines().next());
}

#[test]
fn a_table_is_cut_to_a_width_and_has_colours_where_asked() {
    let whole = Blocks::summary().to_string();
    assert!(whole.contains("\npair2.conv2  ") && whole.contains(" of parameters and 48 statistics, "), "{whole}");
    let widest = |text: &str| {
        let table = text.lines().take_while(|line| !line.starts_with("Blocks"));
        table.map(|line| line.chars().count()).max().unwrap_or(0)
    };
    let natural = widest(&whole);
    for width in [natural - 1, natural - 7, natural - 12] {
        let cut = Blocks::summary().width(width).to_string();
        assert!(widest(&cut) <= width && cut.contains('…'), "{width}:\n{cut}");
        assert_eq!(cut.lines().count(), whole.lines().count());
    }
    // The numbers are never cut.
    assert!(Blocks::summary().width(0).to_string().contains("multiply-adds"));
    assert_eq!(Blocks::summary().width(natural).to_string(), whole);

    let coloured = Blocks::summary().colours(true).to_string();
    assert!(coloured.starts_with("\u{1b}[1mlayer"), "{coloured:?}");
    let plain = ["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m"].iter().fold(coloured, |text, code| text.replace(code, ""));
    assert_eq!(plain, whole);
    // Without a terminal nothing is added.
    if !std::io::stdout().is_terminal() {
        assert_eq!(Blocks::summary().for_terminal().to_string(), whole);
    }
}
