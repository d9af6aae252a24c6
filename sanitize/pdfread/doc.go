// Package pdfread reads PDF: it draws pages and finds the text on them, with
// the engine of sanitize/pdfium, inside a boxed worker.
//
// A PDF (ISO 32000-2) is a graph of objects in which a page's content stands
// beside forms, scripts, actions and files. Only three things of it have a word
// in sanitize/ir: the size of a page, its pixels, and text that the pixels
// show. [Parser.Parse] emits them page after page and never holds more than
// two pages: one that is looked at and one that is drawn meanwhile. Everything else becomes a finding or nothing.
//
// Text is the delicate part: a file can hold words that nobody sees, and a
// reader would copy them. So each character is looked for in the pixels
// (ink.go); what has no ink is left out and told of. What should have had ink
// and has none, because no font has its glyph, holds the file.
//
// Of PDF syntax the package knows the names that names.go looks for, and as much
// as it takes to walk the page tree once more (pagetree.go): readers that count
// pages in other ways must not show another document. The other half, which
// writes PDF, is sanitize/pdf, and neither imports the other.
package pdfread
