// Printed of the file that `ResNet50` is written to.
netwright::network! {
block cell_a(width) {
    residual { conv 1x1x(width) bn eps 0.00001001 relu; conv 3x3x(width) same bn eps 0.00001001 relu; conv 1x1x(4*width) bn eps 0.00001001 } relu
}
block cell_b(width) {
    add { conv 1x1x(4*width) stride 2 bn eps 0.00001001 } { conv 1x1x(width) stride 2 bn eps 0.00001001 relu; conv 3x3x(width) same bn eps 0.00001001 relu; conv 1x1x(4*width) bn eps 0.00001001 } relu
}
pub ResNet50(224x224x3) {
    conv 7x7x64 stride 2 pad 3 bn eps 0.00001001 relu;
    maxpool 3 stride 2 pad 1;
    add { conv 1x1x256 bn eps 0.00001001 } { conv 1x1x64 bn eps 0.00001001 relu; conv 3x3x64 same bn eps 0.00001001 relu; conv 1x1x256 bn eps 0.00001001 } relu;
    2 * cell_a(64);
    cell_b(128);
    3 * cell_a(128);
    cell_b(256);
    5 * cell_a(256);
    cell_b(512);
    2 * cell_a(512);
    globalavgpool;
    dense 1000 softmax
}
}
