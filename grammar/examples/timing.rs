use netwright_grammar::*;
fn main(){
 for part in ["conv 3x3x(w) same; ","a; ", "# ", "a ", "N(1) ", "block ", "pub ", "{}", "; a", "N(1) { , } "] {
  let mut ts=vec![];
  for size in [8000usize,16000,32000]{
   let mut s=part.repeat(size/part.len());
   if part.starts_with("conv"){ s=format!("N(1) {{ {s} }}"); }
   let t=std::time::Instant::now(); let mut d=Diagnostics::default(); parse(&s,&mut d); ts.push(t.elapsed());
  }
  println!("{part:?} {ts:?}");
 }
}
