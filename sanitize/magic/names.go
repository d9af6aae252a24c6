package magic

import "strings"

// blocked are the extensions that are never accepted: what Windows, Office or
// a script host runs or opens with more than a viewer's rights when a person
// double-clicks it. The list is that of programs and scripts, shortcuts and
// settings, installers, disk images, and Office files that are nothing but
// code or links.
const blocked = `
	exe com scr pif cpl dll ocx sys drv msi msp mst msix msixbundle appx appxbundle application gadget
	jar jnlp class dex apk ipa app deb rpm run elf so dylib bin wasm swf crx xpi
	bat cmd btm ps1 ps1xml ps2 ps2xml psc1 psc2 psm1 psd1 msh msh1 msh2 mshxml
	js jse mjs vbs vbe vb ws wsf wsh wsc sct hta hlp chm py pyc pyw pyz pyzw pl rb php phar sh bash csh ksh zsh lua tcl ahk au3 a3x
	lnk url website webloc desktop scf library-ms search-ms searchconnector-ms settingcontent-ms appref-ms theme themepack deskthemepack msc
	reg inf ins isp its job grp xbap xnk mcf mad maf mag mam maq mar mas mat mau mav maw ade adp mda mde accde
	iso img vhd vhdx vmdk vdi dmg wim udf qcow2
	iqy dqy oqy rqy slk dif xll wll xla ppa odc
	rdp ica diagcab diagcfg diagpkg msu prf prg shb shs vxd vsmacros vsw
`

// BlockedNames returns the set of extensions, lower case without dot, that are
// never accepted whatever the content is.
func BlockedNames() map[string]bool {
	names := map[string]bool{}
	for n := range strings.FieldsSeq(blocked) {
		names[n] = true
	}
	return names
}
