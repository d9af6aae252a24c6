package magic

// corpusExpectations are the files of the corpus whose kind or reason is not
// that of their folder, or whose folder holds many kinds: "kind reason".
func corpusExpectations() map[string]string {
	return map[string]string{
		"7z/libarchive-7zip_encryption_header.7z":                         "7z encrypted_archive",
		"7z/tika-test7Z_protected_passTika.7z":                            "7z encrypted_archive",
		"bugs/docm-in-zip-in-zip.zip":                                     "zip ",
		"bugs/docm-minimal.docm":                                          "ooxml ",
		"bugs/winmail-long-unicode-name.dat":                              "tnef ",
		"doc/oletools-encrypted.doc":                                      "ole encrypted_document",
		"docx/oletools-encrypted.docx":                                    "ooxml encrypted_document",
		"eicar/eicar.com.txt":                                             "executable malware_found",
		"eicar/eicar.txt.gz":                                              "gz ",
		"eicar/eicar.zip":                                                 "zip ",
		"html/tika-testUserDefinedCharset.mhtml":                          "mht ",
		"image/imagers-Bad_reallybig.bmp":                                 "bmp ",
		"image/imagers-oom-0d0085eb7f66ea55d9119206235cd29e089b9140.ico":  "ico ",
		"image/imagers-simple-rgb.webp":                                   "webp ",
		"image/tika-testHEIF.heic":                                        "heic ",
		"image/tika-testWEBP.webp":                                        "webp ",
		"odf/tika-testODTEncrypted.odt":                                   "odf encrypted_document",
		"other/poi-MSWriteOld.wri":                                        "ole ",
		"other/poi-Sample.pub":                                            "ole ",
		"other/poi-SimpleMacro.vsd":                                       "ole ",
		"other/tika-testHWP_5.0.hwp":                                      "ole ",
		"other/tika-testOneNote.one":                                      "onenote ",
		"other/tika-testPPT.xps":                                          "ooxml ",
		"pdf/pdfjs-encrypted-attachment.pdf":                              "pdf encrypted_document",
		"pdf/qpdf-enc-XI-R6_V5_U=view_attachments_cleartext-metadata.pdf": "pdf encrypted_document",
		"pdf/qpdf-fuzz-16214.pdf":                                         "unknown ", // has no mark of a PDF
		"pdf/tika-testPDF_no_extract_no_accessibility_owner_empty.pdf":    "pdf encrypted_document",
		"pdf/tika-testPDF_no_extract_no_accessibility_owner_user.pdf":     "pdf encrypted_document",
		"pptx/oletools-encrypted.pptx":                                    "ooxml encrypted_document",
		"rar/libarchive-rar4_encrypted_filenames.rar":                     "rar encrypted_archive",
		"rar/libarchive-rar5_encrypted.rar":                               "rar encrypted_archive",
		"xls/oletools-autostart-encrypt-standardpassword.xls":             "ole encrypted_document",
		"xls/oletools-excel4_sample_macro.slk":                            "script ",
		"xlsx/excelize-encryptSHA1.xlsx":                                  "ooxml encrypted_document",
		"xlsx/oletools-dde-in-excel2003.xml":                              "ole ",
		"zip/libarchive-zip_encryption_partially.zip":                     "zip encrypted_archive",
		"zip/libarchive-zip_winzip_aes256.zip":                            "zip encrypted_archive",
		"zip/tika-testZipEncrypted.zip":                                   "zip encrypted_archive",
	}
}
