package hypertext

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// textCases show what each construct reads like.
var textCases = []struct{ name, in, want string }{
	{"empty", "", ""},
	{"plain words", "hello  world\n again", "hello world again"},
	{"paragraphs", "<p>一</p><p>二</p>", "一\n\n二"},
	{"unclosed paragraphs", "<p>一<p>二<div>三", "一\n\n二\n\n三"},
	{"heading between", "前<h2>見出し</h2>後", "前\n\n見出し\n\n後"},
	{"br", "一<br>二<br/>三", "一\n二\n三"},
	{"two br are an empty line", "一<br><br>二", "一\n\n二"},
	{"never two empty lines", "一<br><br><br><br><p></p><p>&nbsp;</p>二", "一\n\n二"},
	{"stray end br and p", "一</br>二</p>三", "一\n二\n\n三"},
	{"divs are lines", "<div>a</div><div>b</div><div><div>c</div></div>", "a\nb\nc"},
	{"margins of word", "<p style='margin:0'>a</p><p style='margin:0cm'>b</p>", "a\nb"},
	{"div with margin", "<div style='margin-bottom:1em'>a</div><div>b</div>", "a\n\nb"},
	{"space across inline elements", "<b>a </b> <i> b</i>c", "a bc"},
	{"source line break in Japanese", "<p>日本\n  語の<b>\n文</b></p>", "日本語の文"},
	{"source line break beside Latin", "<p>日本\nABC\n語</p>", "日本 ABC 語"},
	{"Hangul keeps its spaces", "<p>한국\n어</p>", "한국 어"},
	{"nbsp", "a&nbsp;&nbsp;b", "a  b"},
	{"ideographic space is kept", "総務課　田中", "総務課　田中"},
	{"entities", "&lt;b&gt; &amp;amp; &#x65E5;&#26412; &copy;", "＜b> &amp; 日本 ©"},
	{"unordered list", "<ul><li>a<li>b</ul>", "・a\n・b"},
	{"nested list", "<p>x</p><ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>y", "x\n\n・a\n  ・b\n・c\n\ny"},
	{"ordered list with start and value", "<ol start=9><li>a<li>b<li value=20>c</ol>", "9. a\n10. b\n20. c"},
	{"letters, roman, reversed", "<ol type=A><li>a<li>b</ol><ol type=i start=4><li>c</ol><ol reversed start=2><li>d<li>e</ol>",
		"A. a\nB. b\n\niv. c\n\n2. d\n1. e"},
	{"second line of an item", "<ol><li>a<br>b<p>c</p></ol>", "1. a\n   b\n\n   c"},
	{"list without marks", "<ul style='list-style:none'><li>a<li>b</ul>", "a\nb"},
	{"definition list", "<dl><dt>用語<dd>意味<dt>次<dd>説明</dl>", "用語\n  意味\n次\n  説明"},
	{"blockquote", "はい<blockquote>一<br>二<blockquote>三</blockquote></blockquote>以上", "はい\n\n> 一\n> 二\n>\n> > 三\n\n以上"},
	{"pre", "<pre>\n a  b\n\n\n\tc\n</pre>", " a  b\n\n\tc"},
	{"white-space pre-wrap", "<div style='white-space:pre-wrap'>a\n  b</div>", "a\n  b"},
	{"data table", "<table><tr><th>課<th>内線<tr><td>総務<td>101</table>", "課 | 内線\n総務 | 101"},
	{"table with rowspan and colspan",
		"<table border=1><tr><td rowspan=2>総務<td>a<td>1<tr><td>b<td>2<tr><td colspan=2>計<td>3</table>",
		"総務 | a | 1\n総務 | b | 2\n計 | 3"},
	{"rowspan of a long cell", "<table border=1><tr><td rowspan=2>" + strings.Repeat("長", 41) + "<td>a<tr><td>b</table>",
		strings.Repeat("長", 41) + " | a\n〃 | b"},
	{"cell of several lines", "<table><tr><th>a<th>b<tr><td>1<br>2<td>3</table>", "a | b\n1 / 2 | 3"},
	{"empty cells and rows", "<table border=1><tr><td>a<td><td>c<tr><td>&nbsp;<td><tr><td>x<td>y<td></table>", "a |  | c\nx | y"},
	{"caption", "<table><caption>表1</caption><tr><th>a<th>b</table>", "表1\n\na | b"},
	{"layout table with one column", "<table><tr><td>一</td></tr><tr><td>二</td></tr></table>", "一\n\n二"},
	{"layout by nesting", "<table><tr><td>左<table><tr><td>内</td></tr></table></td><td>右</td></tr></table>", "左\n\n内\n\n右"},
	{"layout columns of paragraphs", "<table><tr><td><p>一</p><p>二</p></td><td>三</td></tr></table>", "一\n\n二\n\n三"},
	{"navigation row", "<table><tr><td>ホーム</td><td>商品</td></tr></table>", "ホーム | 商品"},
	{"text inside a table but outside of cells", "<table>前<tr><td>中</table>後", "前\n\n中\n\n後"},
	{"orphan cells", "<td>a</td><td>b</td>", "a\nb"},
	{"hr", "a<hr>b", "a\n----------\nb"},
	{"ruby", "<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>です", "漢字(かんじ)です"},
	{"ruby by character", "<ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby>", "漢(かん)字(じ)"},
	{"q", "<q>はい</q>と<q>yes</q>", "「はい」と\"yes\""},
	{"sup", "10<sup>6</sup> x<sup>n+1</sup> 注<sup>※1</sup> H<sub>2</sub>O", "10^6 x^(n+1) 注※1 H2O"},
	{"struck words do not read as valid", "<del>旧</del>新 <s>a</s><strike>b</strike> <span style='text-decoration:line-through'>c</span><del></del>",
		"〔削除: 旧〕新 〔削除: a〕〔削除: b〕 〔削除: c〕"},
	{"details", "<details><summary>概要</summary>詳細</details>", "概要\n詳細"},
	{"closed dialog", "a<dialog>hidden words</dialog><dialog open>b</dialog>", "a\n〔隠された文字: hidden words〕\nb"},
	{"form controls", "<input value='山田'> <input type=checkbox checked>同意 <input type=radio>否 <button>送る</button><input type=password>",
		"〔入力欄: 山田〕 ■同意 ○否 〔ボタン: 送る〕〔パスワード入力欄〕"},
	{"select and textarea", "<select><option>東<option selected>西</select><textarea>一\n二</textarea><input type=hidden value=secret>",
		"〔選択: 西〕〔入力欄: 一 二〕"},
	{"form target", "<form action='https://evil.test/p'>名前<input></form>", "名前〔入力欄〕\n〔フォームの送信先: hxxps://evil[.]test/p 〕"},
	{"math", "<math><mfrac><mi>a</mi><mi>b</mi></mfrac><mo>+</mo><msup><mi>x</mi><mn>2</mn></msup><msqrt><mi>y</mi></msqrt></math>",
		"a/b+x^2√(y)"},
	{"svg keeps only its name", "<svg><title>地図</title><text>x</text></svg>", "〔画像: 地図〕"},
	{"unclosed svg does not swallow the letter", "<svg><path d=x><p>本文</p>", "本文"},
	{"script and style", "a<script>if(1<2){}</script><style>p{}</style>b", "ab"},
	{"conditional comments", "a<!--[if mso]><p>x</p><![endif]-->b<![if !mso]>c<![endif]>", "abc"},
	{"office elements", "<p>a<o:p></o:p><o:p/>b<st1:place w:st='on'>c</st1:place></p>", "abc"},
	{"iframe and srcdoc", "a<iframe srcdoc='<p>x</p>'>y</iframe>b", "ab"},
	{"object fallback is read", "<object data=x.swf>代わり</object>", "代わり"},
	{"video fallback is read", "<video src=x.mp4>再生できません</video>", "再生できません"},
	{"template", "a<template><p>x</p></template>b", "ab"},
	{"noscript beside text", "<p>a</p><noscript>x</noscript>", "a"},
	{"noscript alone", "<script>x</script><noscript><p>本文</p></noscript>", "本文"},
	{"unclosed select keeps what follows", "<select><option>a<p>本文</p>", "〔選択: a〕\n\n本文"},
	{"misnested", "<b><p>a</b>b</p><i>c</div></i>d", "a\n\nb\n\ncd"},
	{"unclosed anchors", "<a href=#>a<a href=#>b", "ab"},
	{"image with words", "<img src=https://x.test/a.png alt='庁舎' width=300 height=200>", "〔画像: 庁舎〕"},
	{"image without words", "<img src=https://x.test/a.png width=300>", "〔画像〕"},
	{"decoration", "a<img src=https://x.test/a.png alt=''><img src=x.png width=8 height=8>b", "ab"},
	{"tracking pixel", "a<img src=https://x.test/o.gif width=1 height=1 alt='x'>", "a"},
	{"marks cannot be forged by alt", "<img src=cid:a alt='x〕〔注意: y'>", "〔画像: x][注意: y〕"},
	{"hidden preheader", "<div style='display:none'>先頭の文です</div><p>本文</p>", "〔隠された文字: 先頭の文です〕\n\n本文"},
	{"trivial hidden text", "<span hidden>x</span>a<span style='display:none'>--</span>b", "ab"},
	{"hidden text that is also shown", "<p>説明会に申し込む</p><p style='display:none'>説明会に 申し込む</p>", "説明会に申し込む"},
	{"white on white", "<p>a<font color=white>白い文字です</font></p>b", "a\n〔隠された文字: 白い文字です〕\n\nb"},
	{"white on dark", "<table><tr><td bgcolor=#003366><font color=white>見出し</font></td></tr></table>", "見出し"},
	{"white on a picture", "<div style='background:url(x.png)'><span style='color:#fff'>見出し</span></div>", "見出し"},
	{"font size zero around sized text", "<div style='font-size:0'>&nbsp;<span style='font-size:14px'>本文</span></div>", "本文"},
	{"font size zero", "<div>a<span style='font-size:0px'>無い文字だ</span></div>", "a\n〔隠された文字: 無い文字だ〕"},
	{"invisible with a visible child", "<div style='visibility:hidden'>隠す文字列<b style='visibility:visible'>出す</b></div>",
		"〔隠された文字: 隠す文字列〕\n出す"},
	{"off screen", "<div style='position:absolute;left:-9999px'>画面の外です</div>a", "〔隠された文字: 画面の外です〕\na"},
	{"clipped", "<div style='max-height:0;overflow:hidden'>切り取りです</div>a", "〔隠された文字: 切り取りです〕\na"},
	{"a clipped cell of one percent is not hidden", "<div style='width:1%;overflow:hidden'>見える</div>", "見える"},
	{"hidden by class", "<style>.a .b,#c{display:none}</style><div class=a><i class=b>隠した一番</i></div><i id=c>隠した二番</i>x",
		"〔隠された文字: 隠した一番〕\n〔隠された文字: 隠した二番〕\nx"},
	{"hidden only on phones", "<style>@media (max-width:600px){.pc{display:none}}</style><p class=pc>本文</p>", "本文"},
	{"css escapes", "<p style='dis\\70lay:no\\6e e'>かくれんぼ</p>a", "〔隠された文字: かくれんぼ〕\na"},
	{"control characters", "a\x00b\x07c\u202Ed\u200Be\uFEFFf", "abcdef"},
	{"emoji sequences stay", "👨\u200D👩\u200D👧 a\u200Db", "👨\u200D👩\u200D👧 ab"},
	{"variation selectors stay", "葛\U000E0100城", "葛\U000E0100城"},
	{"no tag can come out", "&lt;script&gt;alert(1)&lt;/script&gt; a &lt; b &lt;<b>img src=x</b>", "＜script>alert(1)＜/script> a < b ＜img src=x"},
	{"addresses in angle brackets stay", "田中 &lt;tanaka@town.example.jp&gt;", "田中 <tanaka@town.example.jp>"},
	{"script address in words", "javascript:alert(1) data:text/html,x 日時:data: 3", "javascript：alert(1) data：text/html,x 日時:data: 3"},
	{"unfinished tag at the end", "本文<a href='", "本文"},
}

func TestConvertText(t *testing.T) {
	for _, tc := range textCases {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Convert(tc.in, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got.Text); d != "" {
				t.Errorf("Convert(%q) text (-want +got):\n%s", tc.in, d)
			}
			checkText(t, got.Text)
		})
	}
}
