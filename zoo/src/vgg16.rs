//! VGG-16: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014 (arXiv 1409.1556),
//! configuration D; layers have torchvision's names.

netwright::network! {
    /// VGG-16 (Simonyan and Zisserman, 2014).
    pub Vgg16(224x224x3) {
        repeat 2 { conv 3x3x64 same from "features.{0,2}" relu };  maxpool 2;
        repeat 2 { conv 3x3x128 same from "features.{5,7}" relu };  maxpool 2;
        repeat 3 { conv 3x3x256 same from "features.{10,12,14}" relu };  maxpool 2;
        repeat 3 { conv 3x3x512 same from "features.{17,19,21}" relu };  maxpool 2;
        repeat 3 { conv 3x3x512 same from "features.{24,26,28}" relu };  maxpool 2;
        repeat 2 { dense 4096 from "classifier.{0,3}" relu };
        softmax 1000 from "classifier.6"
    }
}

const _: () = assert!(Vgg16::PARAMETERS == 138_357_544 && Vgg16::STATISTICS == 0);
const _: () = assert!(Vgg16::MACS == 15_470_264_320);
const _: () = assert!(Vgg16::DEPTH == 37);
