use super::*;
use crate::data::Dataset;

fn read(text: &'static str) -> Result<Table, Error> {
    from_reader(text.as_bytes(), "the table")
}

fn names(text: &'static str) -> Option<Vec<String>> {
    read(text).unwrap().names().map(<[String]>::to_vec)
}

#[test]
fn rows_become_samples() {
    let table = read("a,b,label\n0.5, 1,0\n\n-2,1e-3,2\n").unwrap();
    let set: Dataset<[f64; 2]> = table.labelled(Column::Last, 3).unwrap();
    assert_eq!(set.inputs(), [[0.5, 1.0], [-2.0, 1e-3]]);
    assert_eq!(set.targets(), [0, 2]);
    let set: Dataset<[f32; 1], [f32; 2]> = table.regression(["label", "b"]).unwrap();
    assert_eq!(set.get(1), Some((&[-2.0], &[2.0, 1e-3])));
    assert_eq!(table.inputs::<3, f64>().unwrap()[0], [0.5, 1.0, 0.0]);
}

#[test]
fn the_column_of_the_label_is_the_given_one() {
    let table = read("2,0.5,1\n0,7,8\n").unwrap();
    let first: Dataset<[f32; 2]> = table.labelled(Column::First, 3).unwrap();
    assert_eq!((first.inputs(), first.targets()), (&[[0.5, 1.0], [7.0, 8.0]][..], &[2, 0][..]));
    let named = read("x,digit,y\n0.5,2,1\n7,0,8\n").unwrap();
    assert_eq!(named.labelled::<2, f32>("digit", 3).unwrap(), first);
    assert_eq!(named.labelled::<2, f32>(1, 3).unwrap(), first);
    let error = named.labelled::<2, f32>("digits", 3).unwrap_err();
    assert!(matches!(&error, Error::NoColumn { name, .. } if name == "digits"));
    assert!(error.to_string().contains("`digit`"), "{error}");
    assert!(read("1,2\n").unwrap().select(["a"]).unwrap_err().to_string().ends_with("it has no header"));
    assert!(matches!(named.labelled::<2, f32>(3, 3), Err(Error::Outside { what: "column", found: 3, count: 3, .. })));
    let error = read("a,b,a\n1,2,3\n").unwrap().select(["a"]).unwrap_err().to_string();
    assert_eq!(error, "the table: there are several columns `a`; their indices, from 0, are 0, 2");
}

#[test]
fn a_column_that_is_listed_twice_is_refused() {
    let table = read("a,b,c,y\n1,2,3,9\n").unwrap();
    let twice = "the table: column 4 (`y`) is listed twice";
    assert_eq!(table.regression::<2, 2, f32, _>(["y", "y"]).unwrap_err().to_string(), twice);
    assert_eq!(table.clone().select(["y", "a", "y"]).unwrap_err().to_string(), twice);
    assert_eq!(table.clone().select([Column::from("y"), Column::Last]).unwrap_err().to_string(), twice);
    assert_eq!(table.without(["y", "y"]).unwrap_err().to_string(), twice);
    let error = read("1,2\n").unwrap().select([1, 1]).unwrap_err().to_string();
    assert_eq!(error, "the table: column 2 is listed twice");
}

#[test]
fn numbers_are_finite_in_the_type_of_the_samples() {
    let table = read("a,y\n3.4e38,1\n1e39,2\n").unwrap();
    let problem = "the table, line 3: column 1 (`a`): `1e39` is no finite number in f32";
    assert_eq!(table.inputs::<2, f32>().unwrap_err().to_string(), problem);
    assert_eq!(table.labelled::<1, f32>("y", 3).unwrap_err().to_string(), problem);
    assert_eq!(table.regression::<1, 1, f32, _>(["a"]).unwrap_err().to_string(), problem);
    assert_eq!(table.inputs::<2, f64>().unwrap()[1], [1e39, 2.0]);
    let error = read("a,b\n1,-1e400\n").unwrap().inputs::<2, f64>().unwrap_err().to_string();
    assert_eq!(error, "the table, line 2: column 2 (`b`): `-1e400` is no finite number");
}

#[test]
fn a_label_that_is_too_large_is_printed_as_it_was_read() {
    let error = |text| read(text).unwrap().labelled::<1, f32>(Column::Last, 3).unwrap_err().to_string();
    assert_eq!(error("1,1e30\n"), "the table, line 1: column 2: the label 1e30 is no whole number below 3");
    assert_eq!(error("1,-1e30\n"), "the table, line 1: column 2: the label -1e30 is no whole number from 0");
    assert_eq!(error("1,7\n"), "the table: sample 0 has the label 7; the classes are 0 to 2");
}

#[test]
fn labels_in_the_first_column_are_not_silently_read_as_pixels() {
    let row = |label: usize| format!("{label},0,{},0\n", 20 * label);
    let text: String = (0..40).map(|sample| row(sample % 10)).collect();
    let text: &'static str = text.leak();
    let table = read(text).unwrap();
    let images = table.images([1, 3, 1], 255, Column::First, 10).unwrap();
    assert_eq!(images.labels()[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
    assert_eq!(images.images().get(3), Some(&[0, 60, 0][..]));
    let error = table.images([1, 3, 1], 255, Column::Last, 10).unwrap_err().to_string();
    assert_eq!(
        error,
        "the table, line 1: column 4: all labels are 0, while column 1 has whole numbers below 10: the labels are there, it seems"
    );
    assert!(table.labelled::<3, f32>(Column::Last, 10).is_err());
    // Labels of a single class are accepted where no other column could be the labels.
    let text: &'static str = "0.5,7.5,1\n".repeat(40).leak();
    assert_eq!(read(text).unwrap().labelled::<2, f32>(Column::Last, 3).unwrap().targets(), [1; 40]);
}

#[test]
fn headers_are_detected() {
    assert_eq!(names("1,2\n3,4\n"), None);
    assert_eq!(names("a,b\n1,2\n").unwrap(), ["a", "b"]);
    assert_eq!(names("label,0,1\n5,17,18\n").unwrap(), ["label", "0", "1"], "names that look like numbers");
    assert_eq!(names("0,1,2,3,4\n7,0,0,0,9\n").unwrap(), ["0", "1", "2", "3", "4"], "they count the columns");
    assert_eq!(names("\"1\",\"2\"\n3,4\n").unwrap(), ["1", "2"], "quoted above bare numbers");
    assert_eq!(names("\"1\",\"2\"\n\"3\",\"4\"\n"), None, "quotes everywhere");
    assert_eq!(names("\"length, in cm\",\"a \"\"wide\"\" one\"\n3,4\n").unwrap(), ["length, in cm", "a \"wide\" one"]);
    assert_eq!(names("5.1,setosa\n6.3,virginica\n"), None, "a word above words");
    assert_eq!(names("year,1990\n,7\n3,8\n").unwrap(), ["year", "1990"], "what is missing is no word");
    let said = |header: bool, text: &'static str| {
        Reader::new()
            .header(header)
            .from_reader(text.as_bytes(), "the table")
            .map(|table| table.names().map(<[_]>::len))
    };
    assert_eq!(said(true, "1,2\n3,4\n").unwrap(), Some(2));
    assert_eq!(said(false, "a,b\nc,d\n").unwrap(), None);
    assert!(matches!(said(true, "1,2\n"), Err(Error::Empty { .. })));
}

#[test]
fn what_spreadsheets_write_around_numbers_is_left_out() {
    let table = read("\u{feff}\"1\",2.5,\" 0 \"\r\n3,4,1\r\n").unwrap();
    assert_eq!(table.labelled::<2, f32>(Column::Last, 2).unwrap().inputs(), [[1.0, 2.5], [3.0, 4.0]]);
    let table = read("\u{feff}a,b\n1,0\n").unwrap();
    assert_eq!((table.len(), table.columns()), (1, 2));
    let table = Reader::new().delimiter(b';').unwrap().from_reader(&b"a;b\n1;2\n"[..], "it").unwrap();
    assert_eq!(table.inputs::<2, f32>().unwrap(), [[1.0, 2.0]]);
    let table = Reader::new().delimiter(b'\t').unwrap().from_reader(&b"1\t\t2\n\t\t\n"[..], "it").unwrap();
    assert_eq!((table.len(), table.cell(1, 0).unwrap()), (2, Some(Cell::Missing)), "tabs are no empty line");
    let refused = |delimiter| Reader::new().delimiter(delimiter).unwrap_err().to_string();
    let expected = "it must be an ASCII character other than a quote and the end of a line";
    assert_eq!(refused(b'"'), format!("delimiter is '\"'; {expected}"));
    assert_eq!(refused(b'\n'), format!("delimiter is '\\n'; {expected}"));
    assert_eq!(refused(0xe9), format!("delimiter is the byte 0xe9; {expected}"));
}

#[test]
fn images_keep_their_range() {
    let images = read("0,16,8,4,7\n16,16,16,16,9\n").unwrap().images([2, 2, 1], 16, Column::Last, 10).unwrap();
    assert_eq!(images.labels(), [7, 9]);
    assert_eq!(images.images().tensors::<2, 2, 1, f32>().unwrap()[0].as_slice(), [0.0, 1.0, 0.5, 0.25]);
}

#[test]
fn missing_values_are_filled() {
    let table = read("a,b\n1,x\nNA,y\n4,\n10,x\n").unwrap();
    assert_eq!(table.cell(1, "a").unwrap(), Some(Cell::Missing));
    assert_eq!(table.cell(0, "b").unwrap(), Some(Cell::Text("x")));
    assert_eq!(table.cell(9, "b").unwrap(), None);
    let filled = |by: Fill| table.clone().fill("a", by).unwrap().cell(1, "a").unwrap() == Some(Cell::Number(4.0));
    assert!(filled(Fill::Median) && filled(Fill::Constant(4.0)) && !filled(Fill::Mean));
    assert_eq!(table.fill_value("a", &Fill::Mean).unwrap(), 5.0);
    assert_eq!(read("1\n2\n\n4\n9\n").unwrap().fill_value(0, &Fill::Median).unwrap(), 3.0, "between the two");
    let error = table.inputs::<2, f32>().unwrap_err().to_string();
    assert_eq!(error, "the table, line 2: column 2 (`b`): `x` is no finite number");
    let error = table.clone().select(["a"]).unwrap().inputs::<1, f32>().unwrap_err().to_string();
    assert_eq!(error, "the table, line 3: column 1 (`a`): a value is missing; `Table::fill` fills it");
    assert!(matches!(table.clone().fill("b", Fill::Mean), Err(Error::Cell { line: 2, column: 2, .. })), "words");
    assert!(matches!(table.clone().fill("a", Fill::Constant(f64::NAN)), Err(Error::Setting { .. })));
    let words = table.fill("b", Fill::Word("none".into())).unwrap();
    assert_eq!(words.categories("b").unwrap(), ["none", "x", "y"]);
    let none = read("a,b\n,1\nNA,2\n").unwrap();
    assert!(matches!(none.fill("a", Fill::Mean), Err(Error::Cell { .. })), "no number to take the mean of");
    let coded = Reader::new().missing(["-999"]).from_reader(&b"a\n-999\nNA\n"[..], "it").unwrap();
    assert_eq!(coded.cell(0, 0).unwrap(), Some(Cell::Missing));
    assert_eq!(coded.cell(1, 0).unwrap(), Some(Cell::Text("NA")));
}

#[test]
fn categories_become_columns_or_labels() {
    let table = read("size,colour,kind\n1,red,10\n2,blue,9\n3,red,10\n").unwrap();
    let hot = table.clone().one_hot("colour").unwrap();
    assert_eq!(hot.names().unwrap(), ["size", "colour=blue", "colour=red", "kind"]);
    assert_eq!(hot.inputs::<4, f32>().unwrap(), [[1.0, 0.0, 1.0, 10.0], [2.0, 1.0, 0.0, 9.0], [3.0, 0.0, 1.0, 10.0]]);
    assert_eq!(table.categories("kind").unwrap(), ["9", "10"], "by size, not by letters");
    let known = table.clone().one_hot_of("colour", &["red", "green", "blue"]).unwrap();
    assert_eq!(known.inputs::<5, f32>().unwrap()[1], [2.0, 0.0, 0.0, 1.0, 9.0]);
    let error = table.clone().one_hot_of("colour", &["red"]).unwrap_err().to_string();
    assert_eq!(error, "the table, line 3: column 2 (`colour`): `blue` is none of the categories: red");
    let labels = table.encode("colour", &["blue", "red"]).unwrap().without(["kind"]).unwrap();
    assert_eq!(labels.labelled::<1, f32>("colour", 2).unwrap().targets(), [1, 0, 1]);
    assert!(matches!(read("a\nx\n\"\"\n").unwrap().one_hot("a"), Err(Error::Cell { line: 3, .. })), "missing");
}

#[test]
fn columns_are_chosen_by_name_and_place() {
    let table = read("id,a,b\n7,1,2\n8,3,4\n").unwrap();
    assert_eq!(table.clone().without(["id"]).unwrap().inputs::<2, f32>().unwrap(), [[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(table.clone().select(["b", "a"]).unwrap().names().unwrap(), ["b", "a"]);
    let places = table.clone().select([Column::Last, Column::At(1)]).unwrap();
    assert_eq!(places.inputs::<2, f32>().unwrap()[0], [2.0, 1.0]);
    assert!(matches!(table.clone().without([0, 1, 2]), Err(Error::Empty { .. })));
}

#[test]
fn what_does_not_fit_is_told_with_its_line_and_column() {
    let problem = |text| read(text).unwrap_err().to_string();
    assert_eq!(problem("1,2\n3\n"), "the table, line 2: 1 column, where the first row has 2");
    assert_eq!(problem("1;2;0\n"), "the table, line 1: fields are apart by semicolons, where commas are needed");
    assert_eq!(problem("a\tb\n1\t2\n"), "the table, line 2: fields are apart by tabs, where commas are needed");
    assert_eq!(problem("a,b\n1,\"2\n3,4\n"), "the table, line 2: a quote is opened here and never closed");
    assert!(matches!(read("a,b\n"), Err(Error::Empty { .. })));
    assert!(matches!(read(" \n\r\n"), Err(Error::Empty { .. })));
    assert!(matches!(from_reader(&b"\xff\xff"[..], "binary"), Err(Error::Format { .. })));
    let numbers = |text| read(text).unwrap().inputs::<2, f32>().unwrap_err().to_string();
    assert_eq!(numbers("1,2\n3,x\n"), "the table, line 2: column 2: `x` is no finite number");
    assert_eq!(numbers("1,2\n\n3,inf\n"), "the table, line 3: column 2: `inf` is no finite number");
    assert_eq!(numbers("\"a\nb\",c\n1,2\n3,x y\n"), "the table, line 4: column 2 (`c`): `x y` is no finite number");
    let table = read("1,2\n3,4\n").unwrap();
    assert!(matches!(table.labelled::<1, f32>(Column::Last, 4), Err(Error::Label { sample: 1, label: 4, .. })));
    assert!(matches!(table.labelled::<2, f32>(Column::Last, 9), Err(Error::Line { line: 1, .. })));
    let labels = |text| read(text).unwrap().labelled::<1, f32>(Column::Last, 9);
    assert!(matches!(labels("1,0.5\n"), Err(Error::Cell { line: 1, column: 2, .. })));
    assert!(matches!(labels("1,-1\n"), Err(Error::Cell { line: 1, column: 2, .. })));
    let images = read("17,0\n").unwrap().images([1, 1, 1], 16, Column::Last, 1);
    assert!(matches!(images, Err(Error::Cell { line: 1, column: 1, .. })));
}

#[test]
fn any_text_is_a_table_or_an_error() {
    let parts = ["1", "2.5", "x", ",", ",", "\n", "\r\n", "\"", ";", " ", "é", "\u{feff}", "NA"];
    let mut random = crate::random::Random::new(5);
    for _ in 0..3000 {
        let count = random.below(16);
        let text: String = (0..count).map(|_| parts[random.below(parts.len() as u64) as usize]).collect();
        if let Ok(table) = from_reader(std::io::Cursor::new(text.clone().into_bytes()), "it") {
            assert!(!table.is_empty() && table.columns() > 0, "{text:?}");
            let _ = table.inputs::<2, f32>();
            let _ = table.clone().one_hot(Column::Last);
            let _ = table.fill(Column::First, Fill::Mean);
        }
    }
}
