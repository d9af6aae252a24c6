// Package pdfium is the engine that draws PDF pages: PDFium, a C++ library
// compiled to WebAssembly, run by wazero inside a boxed worker.
//
// [Load] starts it before the box is shut, from a compile cache that [Prepare]
// made (compiling takes seconds, loading a few hundredths of one), and reads
// the fonts that stand in for those which a document does not carry. After
// that the engine needs nothing from the kernel but memory. Hostile bytes meet
// two walls: WebAssembly sees its own linear memory and a tree of font files,
// nothing else; and the worker around it is the box of sanitize/sandbox.
//
// What is returned is hostile all the same: a captured PDFium says what it
// likes about pages, text and fonts. The package bounds every list and every
// number it returns; what they mean is the business of sanitize/pdfread.
//
// A [Document] lives in an instance of its own. A call cannot be interrupted:
// a runaway page is ended by killing the worker. See docs/adr/0014-pdfium.md.
package pdfium
