package prime

// This file is data: what LaTeX macros stand for in plain text, and how many
// arguments they take, in pylatexenc 2.10's default setting.

// symbolText returns the text of a macro that stands for a fixed text, with
// "%s" in the places of all its arguments, or "%(n)s" in the place of argument n.
func symbolText(macro string) (string, bool) {
	switch macro {
	case "\\", "vspace":
		return "\n", true
	case " ", ",", ":", ";":
		return " ", true
	case "quad":
		return "  ", true
	case "qquad":
		return "    ", true
	case "#":
		return "#", true
	case "$", "textdollar":
		return "$", true
	case "colorbox", "textcolor":
		return "%(3)s", true
	case "fcolorbox":
		return "%(5)s", true
	case "overbrace", "overbracket", "overgroup", "overleftarrow", "overleftharpoon", "overleftrightarrow", "overline", "overlinesegment", "overrightarrow", "overrightharpoon", "underbrace", "underbracket", "undergroup", "underleftarrow", "underleftrightarrow", "underline", "underlinesegment", "underrightarrow", "widehat", "wideparen", "widetilde":
		return "%s", true
	case "frac", "nicefrac", "textfrac":
		return "%s/%s", true
	case "&":
		return "&", true
	case "prime", "textquotesingle":
		return "'", true
	case "eqref":
		return "(<ref>)", true
	case "url":
		return "<%s>", true
	case "Cref":
		return "<Ref>", true
	case "cite", "citep", "citet":
		return "<cit.>", true
	case "autoref", "cref", "ref":
		return "<ref>", true
	case "hint":
		return "Hint: %s", true
	case "hints":
		return "Hints: %s", true
	case "hinweis":
		return "Hinweis: %s", true
	case "hinweise":
		return "Hinweise: %s", true
	case "footnote":
		return "[%(2)s]", true
	case "backslash", "textbackslash":
		return "\\", true
	case "_":
		return "_", true
	case "textasciigrave":
		return "`", true
	case "arccos":
		return "arccos", true
	case "arccosh":
		return "arccosh", true
	case "arcsin":
		return "arcsin", true
	case "arcsinh":
		return "arcsinh", true
	case "arctan":
		return "arctan", true
	case "arctanh":
		return "arctanh", true
	case "cos":
		return "cos", true
	case "cosh":
		return "cosh", true
	case "exp":
		return "exp", true
	case "inf":
		return "inf", true
	case "lim":
		return "lim", true
	case "liminf":
		return "lim inf", true
	case "limsup":
		return "lim sup", true
	case "ln":
		return "ln", true
	case "log":
		return "log", true
	case "max":
		return "max", true
	case "min":
		return "min", true
	case "sin":
		return "sin", true
	case "sinh":
		return "sinh", true
	case "sup":
		return "sup", true
	case "tan":
		return "tan", true
	case "tanh":
		return "tanh", true
	case "lbrace", "{":
		return "{", true
	case "lvert", "mid", "rvert", "vert":
		return "|", true
	case "ket":
		return "|%s⟩", true
	case "ketbra":
		return "|%s⟩⟨%s|", true
	case "rbrace", "}":
		return "}", true
	case "textasciitilde":
		return "~", true
	case "textexclamdown":
		return "¡", true
	case "textcent":
		return "¢", true
	case "textsterling":
		return "£", true
	case "textcurrency":
		return "¤", true
	case "textyen":
		return "¥", true
	case "textbrokenbar":
		return "¦", true
	case "textsection":
		return "§", true
	case "textasciidieresis":
		return "¨", true
	case "textcopyright":
		return "©", true
	case "textordfeminine":
		return "ª", true
	case "guillemotleft":
		return "«", true
	case "lnot", "textlnot":
		return "¬", true
	case "-":
		return "\u00ad", true
	case "textregistered":
		return "®", true
	case "textasciimacron":
		return "¯", true
	case "textdegree":
		return "°", true
	case "pm", "textpm":
		return "±", true
	case "texttwosuperior":
		return "²", true
	case "textthreesuperior":
		return "³", true
	case "textasciiacute":
		return "´", true
	case "textmu":
		return "µ", true
	case "textparagraph":
		return "¶", true
	case "cdot":
		return "·", true
	case "textonesuperior":
		return "¹", true
	case "textordmasculine":
		return "º", true
	case "guillemotright":
		return "»", true
	case "textonequarter":
		return "¼", true
	case "textonehalf":
		return "½", true
	case "textthreequarters":
		return "¾", true
	case "textquestiondown":
		return "¿", true
	case "AA":
		return "Å", true
	case "AE":
		return "Æ", true
	case "DH":
		return "Ð", true
	case "texttimes", "times":
		return "×", true
	case "O":
		return "Ø", true
	case "TH":
		return "Þ", true
	case "ss":
		return "ß", true
	case "aa":
		return "å", true
	case "ae":
		return "æ", true
	case "dh":
		return "ð", true
	case "div", "textdiv":
		return "÷", true
	case "o":
		return "ø", true
	case "th":
		return "þ", true
	case "DJ":
		return "Đ", true
	case "dj":
		return "đ", true
	case "hbar":
		return "ħ", true
	case "i":
		return "ı", true
	case "IJ":
		return "Ĳ", true
	case "ij":
		return "ĳ", true
	case "L":
		return "Ł", true
	case "l":
		return "ł", true
	case "NG":
		return "Ŋ", true
	case "ng":
		return "ŋ", true
	case "OE":
		return "Œ", true
	case "oe":
		return "œ", true
	case "textflorin":
		return "ƒ", true
	case "texthvlig":
		return "ƕ", true
	case "textnrleg":
		return "ƞ", true
	case "eth":
		return "ƪ", true
	case "textdoublepipe":
		return "ǂ", true
	case "j":
		return "ȷ", true
	case "textschwa":
		return "ə", true
	case "textphi":
		return "ɸ", true
	case "textglotstop":
		return "ʔ", true
	case "textturnk":
		return "ʞ", true
	case "textasciicircum":
		return "ˆ", true
	case "textasciicaron":
		return "ˇ", true
	case "textasciibreve":
		return "˘", true
	case "textperiodcentered":
		return "˙", true
	case "texttildelow":
		return "˜", true
	case "textacutedbl":
		return "˝", true
	case "Alpha":
		return "Α", true
	case "Beta":
		return "Β", true
	case "Gamma":
		return "Γ", true
	case "Delta":
		return "Δ", true
	case "Epsilon":
		return "Ε", true
	case "Zeta":
		return "Ζ", true
	case "Eta":
		return "Η", true
	case "Theta":
		return "Θ", true
	case "Iota":
		return "Ι", true
	case "Kappa":
		return "Κ", true
	case "Lambda":
		return "Λ", true
	case "Mu":
		return "Μ", true
	case "Nu":
		return "Ν", true
	case "Xi":
		return "Ξ", true
	case "Omicron":
		return "Ο", true
	case "Pi":
		return "Π", true
	case "Rho":
		return "Ρ", true
	case "Sigma":
		return "Σ", true
	case "Tau":
		return "Τ", true
	case "Upsilon":
		return "Υ", true
	case "Phi":
		return "Φ", true
	case "Chi":
		return "Χ", true
	case "Psi":
		return "Ψ", true
	case "Omega":
		return "Ω", true
	case "alpha":
		return "α", true
	case "beta":
		return "β", true
	case "gamma":
		return "γ", true
	case "delta":
		return "δ", true
	case "varepsilon":
		return "ε", true
	case "zeta":
		return "ζ", true
	case "eta":
		return "η", true
	case "texttheta", "theta":
		return "θ", true
	case "iota":
		return "ι", true
	case "kappa":
		return "κ", true
	case "lambda":
		return "λ", true
	case "mu":
		return "μ", true
	case "nu":
		return "ν", true
	case "xi":
		return "ξ", true
	case "omicron":
		return "ο", true
	case "pi":
		return "π", true
	case "rho":
		return "ρ", true
	case "varsigma":
		return "ς", true
	case "sigma":
		return "σ", true
	case "tau":
		return "τ", true
	case "upsilon":
		return "υ", true
	case "varphi":
		return "φ", true
	case "chi":
		return "χ", true
	case "psi":
		return "ψ", true
	case "omega":
		return "ω", true
	case "textvartheta", "vartheta":
		return "ϑ", true
	case "phi":
		return "ϕ", true
	case "varpi":
		return "ϖ", true
	case "Stigma":
		return "Ϛ", true
	case "Digamma":
		return "Ϝ", true
	case "digamma":
		return "ϝ", true
	case "Koppa":
		return "Ϟ", true
	case "Sampi":
		return "Ϡ", true
	case "varkappa":
		return "ϰ", true
	case "varrho":
		return "ϱ", true
	case "textTheta":
		return "ϴ", true
	case "epsilon":
		return "ϵ", true
	case "backepsilon":
		return "϶", true
	case "CYRYO":
		return "Ё", true
	case "CYRDJE":
		return "Ђ", true
	case "CYRIE":
		return "Є", true
	case "CYRDZE":
		return "Ѕ", true
	case "CYRII":
		return "І", true
	case "CYRYI":
		return "Ї", true
	case "CYRJE":
		return "Ј", true
	case "CYRLJE":
		return "Љ", true
	case "CYRNJE":
		return "Њ", true
	case "CYRTSHE":
		return "Ћ", true
	case "CYRUSHRT":
		return "Ў", true
	case "CYRDZHE":
		return "Џ", true
	case "CYRA":
		return "А", true
	case "CYRB":
		return "Б", true
	case "CYRV":
		return "В", true
	case "CYRG":
		return "Г", true
	case "CYRD":
		return "Д", true
	case "CYRE":
		return "Е", true
	case "CYRZH":
		return "Ж", true
	case "CYRZ":
		return "З", true
	case "CYRI":
		return "И", true
	case "CYRISHRT":
		return "Й", true
	case "CYRK":
		return "К", true
	case "CYRL":
		return "Л", true
	case "CYRM":
		return "М", true
	case "CYRN":
		return "Н", true
	case "CYRO":
		return "О", true
	case "CYRP":
		return "П", true
	case "CYRR":
		return "Р", true
	case "CYRS":
		return "С", true
	case "CYRT":
		return "Т", true
	case "CYRU":
		return "У", true
	case "CYRF":
		return "Ф", true
	case "CYRH":
		return "Х", true
	case "CYRC":
		return "Ц", true
	case "CYRCH":
		return "Ч", true
	case "CYRSH":
		return "Ш", true
	case "CYRSHCH":
		return "Щ", true
	case "CYRHRDSN":
		return "Ъ", true
	case "CYRERY":
		return "Ы", true
	case "CYRSFTSN":
		return "Ь", true
	case "CYREREV":
		return "Э", true
	case "CYRYU":
		return "Ю", true
	case "CYRYA":
		return "Я", true
	case "cyra":
		return "а", true
	case "cyrb":
		return "б", true
	case "cyrv":
		return "в", true
	case "cyrg":
		return "г", true
	case "cyrd":
		return "д", true
	case "cyre":
		return "е", true
	case "cyrzh":
		return "ж", true
	case "cyrz":
		return "з", true
	case "cyri":
		return "и", true
	case "cyrishrt":
		return "й", true
	case "cyrk":
		return "к", true
	case "cyrl":
		return "л", true
	case "cyrm":
		return "м", true
	case "cyrn":
		return "н", true
	case "cyro":
		return "о", true
	case "cyrp":
		return "п", true
	case "cyrr":
		return "р", true
	case "cyrs":
		return "с", true
	case "cyrt":
		return "т", true
	case "cyru":
		return "у", true
	case "cyrf":
		return "ф", true
	case "cyrh":
		return "х", true
	case "cyrc":
		return "ц", true
	case "cyrch":
		return "ч", true
	case "cyrsh":
		return "ш", true
	case "cyrshch":
		return "щ", true
	case "cyrhrdsn":
		return "ъ", true
	case "cyrery":
		return "ы", true
	case "cyrsftsn":
		return "ь", true
	case "cyrerev":
		return "э", true
	case "cyryu":
		return "ю", true
	case "cyrya":
		return "я", true
	case "cyryo":
		return "ё", true
	case "cyrdje":
		return "ђ", true
	case "cyrie":
		return "є", true
	case "cyrdze":
		return "ѕ", true
	case "cyrii":
		return "і", true
	case "cyryi":
		return "ї", true
	case "cyrje":
		return "ј", true
	case "cyrlje":
		return "љ", true
	case "cyrnje":
		return "њ", true
	case "cyrtshe":
		return "ћ", true
	case "cyrushrt":
		return "ў", true
	case "cyrdzhe":
		return "џ", true
	case "CYRYAT":
		return "Ѣ", true
	case "cyryat":
		return "ѣ", true
	case "CYRBYUS":
		return "Ѫ", true
	case "cyrbyus":
		return "ѫ", true
	case "CYRFITA":
		return "Ѳ", true
	case "cyrfita":
		return "ѳ", true
	case "CYRIZH":
		return "Ѵ", true
	case "cyrizh":
		return "ѵ", true
	case "CYRSEMISFTSN":
		return "Ҍ", true
	case "cyrsemisftsn":
		return "ҍ", true
	case "CYRRTICK":
		return "Ҏ", true
	case "cyrrtick":
		return "ҏ", true
	case "CYRGUP":
		return "Ґ", true
	case "cyrgup":
		return "ґ", true
	case "CYRGHCRS":
		return "Ғ", true
	case "cyrghcrs":
		return "ғ", true
	case "CYRGHK":
		return "Ҕ", true
	case "cyrghk":
		return "ҕ", true
	case "CYRZHDSC":
		return "Җ", true
	case "cyrzhdsc":
		return "җ", true
	case "CYRZDSC":
		return "Ҙ", true
	case "cyrzdsc":
		return "ҙ", true
	case "CYRKDSC":
		return "Қ", true
	case "cyrkdsc":
		return "қ", true
	case "CYRKVCRS":
		return "Ҝ", true
	case "cyrkvcrs":
		return "ҝ", true
	case "CYRKHCRS":
		return "Ҟ", true
	case "cyrkhcrs":
		return "ҟ", true
	case "CYRKBEAK":
		return "Ҡ", true
	case "cyrkbeak":
		return "ҡ", true
	case "CYRNDSC":
		return "Ң", true
	case "cyrndsc":
		return "ң", true
	case "CYRNG":
		return "Ҥ", true
	case "cyrng":
		return "ҥ", true
	case "CYRPHK":
		return "Ҧ", true
	case "cyrphk":
		return "ҧ", true
	case "CYRABHHA":
		return "Ҩ", true
	case "cyrabhha":
		return "ҩ", true
	case "CYRSDSC":
		return "Ҫ", true
	case "cyrsdsc":
		return "ҫ", true
	case "CYRTDSC":
		return "Ҭ", true
	case "cyrtdsc":
		return "ҭ", true
	case "CYRY":
		return "Ү", true
	case "cyry":
		return "ү", true
	case "CYRYHCRS":
		return "Ұ", true
	case "cyryhcrs":
		return "ұ", true
	case "CYRHDSC":
		return "Ҳ", true
	case "cyrhdsc":
		return "ҳ", true
	case "CYRTETSE":
		return "Ҵ", true
	case "cyrtetse":
		return "ҵ", true
	case "CYRCHRDSC":
		return "Ҷ", true
	case "cyrchrdsc":
		return "ҷ", true
	case "CYRCHVCRS":
		return "Ҹ", true
	case "cyrchvcrs":
		return "ҹ", true
	case "CYRSHHA":
		return "Һ", true
	case "cyrshha":
		return "һ", true
	case "CYRABHCH":
		return "Ҽ", true
	case "cyrabhch":
		return "ҽ", true
	case "CYRABHCHDSC":
		return "Ҿ", true
	case "cyrabhchdsc":
		return "ҿ", true
	case "CYRpalochka":
		return "Ӏ", true
	case "CYRKHK":
		return "Ӄ", true
	case "cyrkhk":
		return "ӄ", true
	case "CYRLDSC":
		return "Ӆ", true
	case "cyrldsc":
		return "ӆ", true
	case "CYRNHK":
		return "Ӈ", true
	case "cyrnhk":
		return "ӈ", true
	case "CYRCHLDSC":
		return "Ӌ", true
	case "cyrchldsc":
		return "ӌ", true
	case "CYRMDSC":
		return "Ӎ", true
	case "cyrmdsc":
		return "ӎ", true
	case "CYRAE":
		return "Ӕ", true
	case "cyrae":
		return "ӕ", true
	case "CYRSCHWA":
		return "Ә", true
	case "cyrschwa":
		return "ә", true
	case "CYRABHDZE":
		return "Ӡ", true
	case "cyrabhdze":
		return "ӡ", true
	case "CYROTLD":
		return "Ө", true
	case "cyrotld":
		return "ө", true
	case "CYRGDSC":
		return "Ӷ", true
	case "cyrgdsc":
		return "ӷ", true
	case "CYRGDSCHCRS":
		return "Ӻ", true
	case "cyrgdschcrs":
		return "ӻ", true
	case "CYRHHK":
		return "Ӽ", true
	case "cyrhhk":
		return "ӽ", true
	case "CYRHHCRS":
		return "Ӿ", true
	case "cyrhhcrs":
		return "ӿ", true
	case "textbaht":
		return "฿", true
	case "enskip":
		return "\u2002", true
	case "textcompwordmark":
		return "\u200c", true
	case "textendash":
		return "–", true
	case "textemdash":
		return "—", true
	case "Vert", "lVert", "rVert":
		return "‖", true
	case "textquoteleft":
		return "‘", true
	case "textquoteright":
		return "’", true
	case "quotesinglbase":
		return "‚", true
	case "textquotedblleft":
		return "“", true
	case "textquotedblright":
		return "”", true
	case "quotedblbase":
		return "„", true
	case "dag", "dagger", "textdagger":
		return "†", true
	case "textdaggerdbl":
		return "‡", true
	case "textbullet":
		return "•", true
	case "dots", "dotsb", "dotsc", "dotsi", "dotsm", "dotso", "ldots", "textellipsis":
		return "…", true
	case "textperthousand":
		return "‰", true
	case "textpertenthousand":
		return "‱", true
	case "backprime":
		return "‵", true
	case "guilsinglleft":
		return "‹", true
	case "guilsinglright":
		return "›", true
	case "textreferencemark":
		return "※", true
	case "textinterrobang":
		return "‽", true
	case "textfractionsolidus":
		return "⁄", true
	case "textasteriskcentered":
		return "⁎", true
	case "textdiscount":
		return "⁒", true
	case "nolinebreak":
		return "\u2060", true
	case "textcolonmonetary":
		return "₡", true
	case "textlira":
		return "₤", true
	case "textnaira":
		return "₦", true
	case "textwon":
		return "₩", true
	case "textdong":
		return "₫", true
	case "texteuro":
		return "€", true
	case "textpeso":
		return "₱", true
	case "dddot":
		return "⃛", true
	case "ddddot":
		return "⃜", true
	case "textcelsius":
		return "℃", true
	case "hslash":
		return "ℏ", true
	case "ell":
		return "ℓ", true
	case "textnumero":
		return "№", true
	case "textcircledP":
		return "℗", true
	case "wp":
		return "℘", true
	case "textrecipe":
		return "℞", true
	case "textservicemark":
		return "℠", true
	case "texttrademark":
		return "™", true
	case "textohm":
		return "Ω", true
	case "mho", "textmho":
		return "℧", true
	case "textestimated":
		return "℮", true
	case "aleph":
		return "ℵ", true
	case "beth":
		return "ℶ", true
	case "gimel":
		return "ℷ", true
	case "daleth":
		return "ℸ", true
	case "leftarrow", "textleftarrow":
		return "←", true
	case "textuparrow", "uparrow":
		return "↑", true
	case "rightarrow", "textrightarrow", "to":
		return "→", true
	case "downarrow", "textdownarrow":
		return "↓", true
	case "leftrightarrow":
		return "↔", true
	case "updownarrow":
		return "↕", true
	case "nwarrow":
		return "↖", true
	case "nearrow":
		return "↗", true
	case "searrow":
		return "↘", true
	case "swarrow":
		return "↙", true
	case "nleftarrow":
		return "↚", true
	case "nrightarrow":
		return "↛", true
	case "arrowwaveleft":
		return "↜", true
	case "arrowwaveright":
		return "↝", true
	case "twoheadleftarrow":
		return "↞", true
	case "twoheadrightarrow":
		return "↠", true
	case "leftarrowtail":
		return "↢", true
	case "rightarrowtail":
		return "↣", true
	case "mapsto":
		return "↦", true
	case "hookleftarrow":
		return "↩", true
	case "hookrightarrow":
		return "↪", true
	case "looparrowleft":
		return "↫", true
	case "looparrowright":
		return "↬", true
	case "leftrightsquigarrow":
		return "↭", true
	case "nleftrightarrow":
		return "↮", true
	case "Lsh":
		return "↰", true
	case "Rsh":
		return "↱", true
	case "curvearrowleft":
		return "↶", true
	case "curvearrowright":
		return "↷", true
	case "circlearrowleft":
		return "↺", true
	case "circlearrowright":
		return "↻", true
	case "leftharpoonup":
		return "↼", true
	case "leftharpoondown":
		return "↽", true
	case "upharpoonright":
		return "↾", true
	case "upharpoonleft":
		return "↿", true
	case "rightharpoonup":
		return "⇀", true
	case "rightharpoondown":
		return "⇁", true
	case "downharpoonright":
		return "⇂", true
	case "downharpoonleft":
		return "⇃", true
	case "rightleftarrows":
		return "⇄", true
	case "dblarrowupdown":
		return "⇅", true
	case "leftrightarrows":
		return "⇆", true
	case "leftleftarrows":
		return "⇇", true
	case "upuparrows":
		return "⇈", true
	case "rightrightarrows":
		return "⇉", true
	case "downdownarrows":
		return "⇊", true
	case "leftrightharpoons":
		return "⇋", true
	case "rightleftharpoons":
		return "⇌", true
	case "nLeftarrow":
		return "⇍", true
	case "nLeftrightarrow":
		return "⇎", true
	case "nRightarrow":
		return "⇏", true
	case "Leftarrow":
		return "⇐", true
	case "Uparrow":
		return "⇑", true
	case "Rightarrow":
		return "⇒", true
	case "Downarrow":
		return "⇓", true
	case "Leftrightarrow":
		return "⇔", true
	case "Updownarrow":
		return "⇕", true
	case "Lleftarrow":
		return "⇚", true
	case "Rrightarrow":
		return "⇛", true
	case "rightsquigarrow":
		return "⇝", true
	case "DownArrowUpArrow":
		return "⇵", true
	case "forall":
		return "∀", true
	case "complement":
		return "∁", true
	case "partial":
		return "∂", true
	case "exists":
		return "∃", true
	case "nexists":
		return "∄", true
	case "emptyset", "varnothing":
		return "∅", true
	case "nabla":
		return "∇", true
	case "in":
		return "∈", true
	case "notin":
		return "∉", true
	case "ni":
		return "∋", true
	case "prod":
		return "∏", true
	case "coprod":
		return "∐", true
	case "sum":
		return "∑", true
	case "mp", "textmp":
		return "∓", true
	case "dotplus":
		return "∔", true
	case "setminus", "smallsetminus":
		return "∖", true
	case "ast":
		return "∗", true
	case "circ":
		return "∘", true
	case "bullet":
		return "∙", true
	case "surd":
		return "√", true
	case "sqrt":
		return "√(%(2)s)", true
	case "propto":
		return "∝", true
	case "infty":
		return "∞", true
	case "rightangle":
		return "∟", true
	case "angle":
		return "∠", true
	case "measuredangle":
		return "∡", true
	case "sphericalangle":
		return "∢", true
	case "nmid":
		return "∤", true
	case "parallel":
		return "∥", true
	case "nparallel":
		return "∦", true
	case "wedge":
		return "∧", true
	case "vee":
		return "∨", true
	case "cap":
		return "∩", true
	case "cup":
		return "∪", true
	case "int":
		return "∫", true
	case "iint":
		return "∬", true
	case "iiint":
		return "∭", true
	case "oint":
		return "∮", true
	case "surfintegral":
		return "∯", true
	case "volintegral":
		return "∰", true
	case "clwintegral":
		return "∱", true
	case "therefore":
		return "∴", true
	case "because":
		return "∵", true
	case "Colon":
		return "∷", true
	case "homothetic":
		return "∻", true
	case "sim":
		return "∼", true
	case "backsim":
		return "∽", true
	case "lazysinv":
		return "∾", true
	case "wr":
		return "≀", true
	case "simeq":
		return "≃", true
	case "cong":
		return "≅", true
	case "approxnotequal":
		return "≆", true
	case "approx":
		return "≈", true
	case "approxeq":
		return "≊", true
	case "tildetrpl":
		return "≋", true
	case "allequal":
		return "≌", true
	case "asymp":
		return "≍", true
	case "Bumpeq":
		return "≎", true
	case "bumpeq":
		return "≏", true
	case "doteq":
		return "≐", true
	case "doteqdot":
		return "≑", true
	case "fallingdotseq":
		return "≒", true
	case "risingdotseq":
		return "≓", true
	case "eqcirc":
		return "≖", true
	case "circeq":
		return "≗", true
	case "estimates":
		return "≙", true
	case "starequal":
		return "≛", true
	case "triangleq":
		return "≜", true
	case "neq":
		return "≠", true
	case "equiv":
		return "≡", true
	case "le", "leq":
		return "≤", true
	case "ge", "geq":
		return "≥", true
	case "leqq":
		return "≦", true
	case "geqq":
		return "≧", true
	case "lneqq":
		return "≨", true
	case "gneqq":
		return "≩", true
	case "ll":
		return "≪", true
	case "gg":
		return "≫", true
	case "between":
		return "≬", true
	case "nless":
		return "≮", true
	case "ngtr":
		return "≯", true
	case "nleq":
		return "≰", true
	case "ngeq":
		return "≱", true
	case "lessequivlnt", "lesssim":
		return "≲", true
	case "greaterequivlnt", "gtrsim":
		return "≳", true
	case "lessgtr":
		return "≶", true
	case "gtrless":
		return "≷", true
	case "notlessgreater":
		return "≸", true
	case "notgreaterless":
		return "≹", true
	case "prec":
		return "≺", true
	case "succ":
		return "≻", true
	case "preccurlyeq", "preceq":
		return "≼", true
	case "succcurlyeq", "succeq":
		return "≽", true
	case "precsim":
		return "≾", true
	case "succsim":
		return "≿", true
	case "nprec":
		return "⊀", true
	case "nsucc":
		return "⊁", true
	case "subset":
		return "⊂", true
	case "supset":
		return "⊃", true
	case "subseteq":
		return "⊆", true
	case "supseteq":
		return "⊇", true
	case "nsubseteq":
		return "⊈", true
	case "nsupseteq":
		return "⊉", true
	case "subsetneq":
		return "⊊", true
	case "supsetneq":
		return "⊋", true
	case "uplus":
		return "⊎", true
	case "sqsubset":
		return "⊏", true
	case "sqsupset":
		return "⊐", true
	case "sqsubseteq":
		return "⊑", true
	case "sqsupseteq":
		return "⊒", true
	case "sqcap":
		return "⊓", true
	case "sqcup":
		return "⊔", true
	case "bigoplus", "oplus":
		return "⊕", true
	case "ominus":
		return "⊖", true
	case "bigotimes", "otimes":
		return "⊗", true
	case "oslash":
		return "⊘", true
	case "odot":
		return "⊙", true
	case "circledcirc":
		return "⊚", true
	case "circledast":
		return "⊛", true
	case "circleddash":
		return "⊝", true
	case "boxplus":
		return "⊞", true
	case "boxminus":
		return "⊟", true
	case "boxtimes":
		return "⊠", true
	case "boxdot":
		return "⊡", true
	case "vdash":
		return "⊢", true
	case "dashv":
		return "⊣", true
	case "top":
		return "⊤", true
	case "perp":
		return "⊥", true
	case "truestate":
		return "⊧", true
	case "forcesextra":
		return "⊨", true
	case "Vdash":
		return "⊩", true
	case "Vvdash":
		return "⊪", true
	case "VDash":
		return "⊫", true
	case "nvdash":
		return "⊬", true
	case "nvDash":
		return "⊭", true
	case "nVdash":
		return "⊮", true
	case "nVDash":
		return "⊯", true
	case "vartriangleleft":
		return "⊲", true
	case "vartriangleright":
		return "⊳", true
	case "trianglelefteq":
		return "⊴", true
	case "trianglerighteq":
		return "⊵", true
	case "original":
		return "⊶", true
	case "image":
		return "⊷", true
	case "multimap":
		return "⊸", true
	case "hermitconjmatrix":
		return "⊹", true
	case "intercal":
		return "⊺", true
	case "veebar":
		return "⊻", true
	case "rightanglearc":
		return "⊾", true
	case "bigwedge":
		return "⋀", true
	case "bigvee":
		return "⋁", true
	case "bigcap":
		return "⋂", true
	case "bigcup":
		return "⋃", true
	case "star":
		return "⋆", true
	case "divideontimes":
		return "⋇", true
	case "bowtie":
		return "⋈", true
	case "ltimes":
		return "⋉", true
	case "rtimes":
		return "⋊", true
	case "leftthreetimes":
		return "⋋", true
	case "rightthreetimes":
		return "⋌", true
	case "backsimeq":
		return "⋍", true
	case "curlyvee":
		return "⋎", true
	case "curlywedge":
		return "⋏", true
	case "Subset":
		return "⋐", true
	case "Supset":
		return "⋑", true
	case "Cap":
		return "⋒", true
	case "Cup":
		return "⋓", true
	case "pitchfork":
		return "⋔", true
	case "lessdot":
		return "⋖", true
	case "gtrdot":
		return "⋗", true
	case "verymuchless":
		return "⋘", true
	case "verymuchgreater":
		return "⋙", true
	case "lesseqgtr":
		return "⋚", true
	case "gtreqless":
		return "⋛", true
	case "curlyeqprec":
		return "⋞", true
	case "curlyeqsucc":
		return "⋟", true
	case "lnsim":
		return "⋦", true
	case "gnsim":
		return "⋧", true
	case "precedesnotsimilar":
		return "⋨", true
	case "succnsim":
		return "⋩", true
	case "ntriangleleft":
		return "⋪", true
	case "ntriangleright":
		return "⋫", true
	case "ntrianglelefteq":
		return "⋬", true
	case "ntrianglerighteq":
		return "⋭", true
	case "vdots":
		return "⋮", true
	case "cdots":
		return "⋯", true
	case "iddots", "udots", "upslopeellipsis":
		return "⋰", true
	case "ddots", "downslopeellipsis":
		return "⋱", true
	case "barwedge":
		return "⌅", true
	case "varperspcorrespond":
		return "⌆", true
	case "lceil":
		return "⌈", true
	case "rceil":
		return "⌉", true
	case "lfloor":
		return "⌊", true
	case "rfloor":
		return "⌋", true
	case "recorder":
		return "⌕", true
	case "ulcorner":
		return "⌜", true
	case "urcorner":
		return "⌝", true
	case "llcorner":
		return "⌞", true
	case "lrcorner":
		return "⌟", true
	case "frown":
		return "⌢", true
	case "smile":
		return "⌣", true
	case "textlangle":
		return "〈", true
	case "textrangle":
		return "〉", true
	case "lmoustache":
		return "⎰", true
	case "rmoustache":
		return "⎱", true
	case "textblank":
		return "␢", true
	case "textvisiblespace":
		return "␣", true
	case "circledS":
		return "Ⓢ", true
	case "diagup":
		return "╱", true
	case "square":
		return "□", true
	case "blacksquare":
		return "▪", true
	case "bigtriangleup":
		return "△", true
	case "blacktriangle":
		return "▴", true
	case "vartriangle":
		return "▵", true
	case "blacktriangleright":
		return "▸", true
	case "triangleright":
		return "▹", true
	case "bigtriangledown":
		return "▽", true
	case "blacktriangledown":
		return "▾", true
	case "triangledown":
		return "▿", true
	case "blacktriangleleft":
		return "◂", true
	case "triangleleft":
		return "◃", true
	case "lozenge":
		return "◊", true
	case "textopenbullet":
		return "◦", true
	case "bigcirc", "textbigcircle":
		return "◯", true
	case "rightmoon":
		return "☾", true
	case "mercury":
		return "☿", true
	case "venus":
		return "♀", true
	case "male":
		return "♂", true
	case "jupiter":
		return "♃", true
	case "saturn":
		return "♄", true
	case "uranus":
		return "♅", true
	case "neptune":
		return "♆", true
	case "pluto":
		return "♇", true
	case "aries":
		return "♈", true
	case "taurus":
		return "♉", true
	case "gemini":
		return "♊", true
	case "cancer":
		return "♋", true
	case "leo":
		return "♌", true
	case "virgo":
		return "♍", true
	case "libra":
		return "♎", true
	case "scorpio":
		return "♏", true
	case "sagittarius":
		return "♐", true
	case "capricornus":
		return "♑", true
	case "aquarius":
		return "♒", true
	case "pisces":
		return "♓", true
	case "diamond":
		return "♢", true
	case "quarternote":
		return "♩", true
	case "eighthnote", "textmusicalnote":
		return "♪", true
	case "flat":
		return "♭", true
	case "natural":
		return "♮", true
	case "sharp":
		return "♯", true
	case "langle":
		return "⟨", true
	case "bra":
		return "⟨%s|", true
	case "braket":
		return "⟨%s|%s⟩", true
	case "rangle":
		return "⟩", true
	case "longleftarrow":
		return "⟵", true
	case "longrightarrow":
		return "⟶", true
	case "longleftrightarrow":
		return "⟷", true
	case "Longleftarrow":
		return "⟸", true
	case "Longrightarrow":
		return "⟹", true
	case "Longleftrightarrow":
		return "⟺", true
	case "longmapsto":
		return "⟼", true
	case "UpArrowBar":
		return "⤒", true
	case "DownArrowBar":
		return "⤓", true
	case "LeftRightVector":
		return "⥎", true
	case "RightUpDownVector":
		return "⥏", true
	case "DownLeftRightVector":
		return "⥐", true
	case "LeftUpDownVector":
		return "⥑", true
	case "LeftVectorBar":
		return "⥒", true
	case "RightVectorBar":
		return "⥓", true
	case "RightUpVectorBar":
		return "⥔", true
	case "RightDownVectorBar":
		return "⥕", true
	case "DownLeftVectorBar":
		return "⥖", true
	case "DownRightVectorBar":
		return "⥗", true
	case "LeftUpVectorBar":
		return "⥘", true
	case "LeftDownVectorBar":
		return "⥙", true
	case "LeftTeeVector":
		return "⥚", true
	case "RightTeeVector":
		return "⥛", true
	case "RightUpTeeVector":
		return "⥜", true
	case "RightDownTeeVector":
		return "⥝", true
	case "DownLeftTeeVector":
		return "⥞", true
	case "DownRightTeeVector":
		return "⥟", true
	case "LeftUpTeeVector":
		return "⥠", true
	case "LeftDownTeeVector":
		return "⥡", true
	case "UpEquilibrium":
		return "⥮", true
	case "ReverseUpEquilibrium":
		return "⥯", true
	case "RoundImplies":
		return "⥰", true
	case "Angle":
		return "⦜", true
	case "LeftTriangleBar":
		return "⧏", true
	case "RightTriangleBar":
		return "⧐", true
	case "blacklozenge":
		return "⧫", true
	case "RuleDelayed":
		return "⧴", true
	case "clockoint":
		return "⨏", true
	case "sqrint":
		return "⨖", true
	case "amalg":
		return "⨿", true
	case "perspcorrespond":
		return "⩞", true
	case "Equal":
		return "⩵", true
	case "leqslant":
		return "⩽", true
	case "geqslant":
		return "⩾", true
	case "lessapprox":
		return "⪅", true
	case "gtrapprox":
		return "⪆", true
	case "lneq":
		return "⪇", true
	case "gneq":
		return "⪈", true
	case "lnapprox":
		return "⪉", true
	case "gnapprox":
		return "⪊", true
	case "lesseqqgtr":
		return "⪋", true
	case "gtreqqless":
		return "⪌", true
	case "eqslantless":
		return "⪕", true
	case "eqslantgtr":
		return "⪖", true
	case "NestedLessLess":
		return "⪡", true
	case "NestedGreaterGreater":
		return "⪢", true
	case "precneqq":
		return "⪵", true
	case "succneqq":
		return "⪶", true
	case "precapprox":
		return "⪷", true
	case "succapprox":
		return "⪸", true
	case "precnapprox":
		return "⪹", true
	case "succnapprox":
		return "⪺", true
	case "subseteqq":
		return "⫅", true
	case "supseteqq":
		return "⫆", true
	case "subsetneqq":
		return "⫋", true
	case "supsetneqq":
		return "⫌", true
	case "openbracketleft":
		return "〚", true
	case "openbracketright":
		return "〛", true
	case "Ident", "id":
		return "𝕀", true
	}
	return "", false
}

// macroArguments returns the kinds of a macro's arguments: '*' an optional star,
// '[' an optional bracket group, '{' one expression.
func macroArguments(macro string) string {
	switch macro {
	case "\\":
		return "*["
	case "Citealp", "Citealt", "Citeauthor", "Citep", "Citet", "cite", "citealp", "citealt", "citeauthor", "citep", "citet":
		return "*[[{"
	case "chapter", "pagagraph", "section", "subparagraph", "subsection", "subsubsection":
		return "*[{"
	case "rowcolors":
		return "*[{{{"
	case "hspace", "vspace":
		return "*{"
	case "newcommand", "providecommand", "renewcommand":
		return "*{[[{"
	case "newenvironment", "provideenvironment", "renewenvironment":
		return "*{[[{{"
	case "DeclareMathOperator":
		return "*{{"
	case "item":
		return "["
	case "citefullauthor", "citepalias", "citetalias", "citeyear", "citeyearpar":
		return "[[{"
	case "RequirePackage", "color", "documentclass", "footnote", "hphantom", "includegraphics", "pagecolor", "pdfloesung", "pdfsolution", "selectlanguage", "sqrt", "usepackage", "vphantom", "xleftarrow", "xrightarrow":
		return "[{"
	case "colorlet":
		return "[{[{"
	case "fcolorbox":
		return "[{[{{"
	case "addcounter", "addlength", "colorbox", "setcounter", "setlength", "textcolor":
		return "[{{"
	case "definecolor", "providecolor":
		return "[{{{"
	case "\"", "'", ".", "=", "Cref", "H", "UebungAttachedSolutionTitle", "UebungAttachedSolutionTitleFont", "UebungAttachedSolutionTitleTop", "UebungDueBy", "UebungDueByLabel", "UebungExTitleFont", "UebungHinweisFont", "UebungHinweisLabel", "UebungHinweiseLabel", "UebungLabel", "UebungLabelEnum", "UebungLabelEnumSub", "UebungLanguage", "UebungLecture", "UebungLecturer", "UebungLoesungFont", "UebungLogoFile", "UebungProf", "UebungSemester", "UebungSolEquationLabel", "UebungSolLabel", "UebungStyle", "UebungSubExTitleFont", "UebungSubLabel", "UebungTextAttachedSolution", "UebungTipsEquationLabel", "UebungTipsFont", "UebungTipsLabel", "UebungTitleCenterVSpacing", "UebungsblattNumber", "UebungsblattTitleFont", "UebungsblattTitleSeries", "UebungsblattTitleSolutions", "UebungsblattTitleTips", "^", "`", "acute", "author", "autoref", "b", "bar", "bibliography", "bra", "breve", "c", "check", "citenum", "citetext", "cref", "d", "date", "ddot", "dot", "emph", "ensuremath", "eqref", "exenumfulllabel", "grave", "hat", "hint", "hints", "hinweis", "hinweise", "hypersetup", "include", "input", "k", "ket", "keywords", "label", "mathbb", "mathbf", "mathcal", "mathfrak", "mathit", "mathrm", "mathscr", "mathsf", "mathtt", "mbox", "not", "overbrace", "overbracket", "overgroup", "overleftarrow", "overleftharpoon", "overleftrightarrow", "overline", "overlinesegment", "overrightarrow", "overrightharpoon", "r", "ref", "subexercise", "subuebung", "text", "textbf", "textit", "textmd", "textrm", "textsc", "textsf", "textsl", "texttt", "textup", "tilde", "title", "u", "underbrace", "underbracket", "undergroup", "underleftarrow", "underleftrightarrow", "underline", "underlinesegment", "underrightarrow", "url", "v", "vec", "widehat", "wideparen", "widetilde", "~":
		return "{"
	case "exercise", "uebung":
		return "{["
	case "braket", "defcitealias", "frac", "ketbra", "nicefrac", "texorpdfstring":
		return "{{"
	case "boxframe":
		return "{{{"
	}
	return ""
}

// accentMark returns the combining character that an accent macro adds to each
// character of its argument.
func accentMark(macro string) (rune, bool) {
	switch macro {
	case "`", "grave":
		return 0x300, true
	case "'", "acute":
		return 0x301, true
	case "^", "hat":
		return 0x302, true
	case "tilde", "~":
		return 0x303, true
	case "=":
		return 0x304, true
	case "bar":
		return 0x305, true
	case "breve", "u":
		return 0x306, true
	case ".", "dot":
		return 0x307, true
	case "\"", "ddot":
		return 0x308, true
	case "r":
		return 0x30a, true
	case "H":
		return 0x30b, true
	case "check", "v":
		return 0x30c, true
	case "d":
		return 0x323, true
	case "c":
		return 0x327, true
	case "k":
		return 0x328, true
	case "b":
		return 0x331, true
	case "not":
		return 0x338, true
	case "vec":
		return 0x20d7, true
	}
	return 0, false
}

// composedPairs lists, base and composed character in turn, the characters that
// Unicode's canonical composition makes of a base and a combining mark.
func composedPairs(mark rune) string {
	switch mark {
	case 0x300:
		return "AÀEÈIÌNǸOÒUÙWẀYỲaàeèiìnǹoòuùwẁyỳ¨῭ÂẦÊỀÔỒÜǛâầêềôồüǜĂẰăằĒḔēḕŌṐōṑƠỜơờƯỪưừΑᾺΕῈΗῊΙῚΟῸΥῪΩῺαὰεὲηὴιὶοὸυὺωὼϊῒϋῢЕЀИЍеѐиѝἀἂἁἃἈἊἉἋἐἒἑἓἘἚἙἛἠἢἡἣἨἪἩἫἰἲἱἳἸἺἹἻὀὂὁὃὈὊὉὋὐὒὑὓὙὛὠὢὡὣὨὪὩὫᾀᾂᾁᾃᾈᾊᾉᾋᾐᾒᾑᾓᾘᾚᾙᾛᾠᾢᾡᾣᾨᾪᾩᾫᾳᾲ᾿῍ῃῂῳῲ῾῝"
	case 0x301:
		return "AÁCĆEÉGǴIÍKḰLĹMḾNŃOÓPṔRŔSŚUÚWẂYÝZŹaácćeégǵiíkḱlĺmḿnńoópṕrŕsśuúwẃyýzź¨΅ÂẤÅǺÆǼÇḈÊẾÏḮÔỐÕṌØǾÜǗâấåǻæǽçḉêếïḯôốõṍøǿüǘĂẮăắĒḖēḗŌṒōṓŨṸũṹƠỚơớƯỨưứΑΆΕΈΗΉΙΊΟΌΥΎΩΏαάεέηήιίοόυύωώϊΐϋΰϒϓГЃКЌгѓкќἀἄἁἅἈἌἉἍἐἔἑἕἘἜἙἝἠἤἡἥἨἬἩἭἰἴἱἵἸἼἹἽὀὄὁὅὈὌὉὍὐὔὑὕὙὝὠὤὡὥὨὬὩὭᾀᾄᾁᾅᾈᾌᾉᾍᾐᾔᾑᾕᾘᾜᾙᾝᾠᾤᾡᾥᾨᾬᾩᾭᾳᾴ᾿῎ῃῄῳῴ῾῞"
	case 0x302:
		return "AÂCĈEÊGĜHĤIÎJĴOÔSŜUÛWŴYŶZẐaâcĉeêgĝhĥiîjĵoôsŝuûwŵyŷzẑẠẬạậẸỆẹệỌỘọộ"
	case 0x303:
		return "AÃEẼIĨNÑOÕUŨVṼYỸaãeẽiĩnñoõuũvṽyỹÂẪÊỄÔỖâẫêễôỗĂẴăẵƠỠơỡƯỮưữ"
	case 0x304:
		return "AĀEĒGḠIĪOŌUŪYȲaāeēgḡiīoōuūyȳÄǞÆǢÕȬÖȪÜǕäǟæǣõȭöȫüǖǪǬǫǭȦǠȧǡȮȰȯȱΑᾹΙῙΥῩαᾱιῑυῡИӢУӮиӣуӯḶḸḷḹṚṜṛṝ"
	case 0x306:
		return "AĂEĔGĞIĬOŎUŬaăeĕgğiĭoŏuŭȨḜȩḝΑᾸΙῘΥῨαᾰιῐυῠАӐЕӖЖӁИЙУЎаӑеӗжӂийуўẠẶạặ"
	case 0x307:
		return "AȦBḂCĊDḊEĖFḞGĠHḢIİMṀNṄOȮPṖRṘSṠTṪWẆXẊYẎZŻaȧbḃcċdḋeėfḟgġhḣmṁnṅoȯpṗrṙsṡtṫwẇxẋyẏzżŚṤśṥŠṦšṧſẛṢṨṣṩ"
	case 0x308:
		return "AÄEËHḦIÏOÖUÜWẄXẌYŸaäeëhḧiïoötẗuüwẅxẍyÿÕṎõṏŪṺūṻΙΪΥΫιϊυϋϒϔІЇАӒЕЁЖӜЗӞИӤОӦУӰЧӴЫӸЭӬаӓеёжӝзӟиӥоӧуӱчӵыӹэӭіїӘӚәӛӨӪөӫ"
	case 0x30a:
		return "AÅUŮaåuůwẘyẙ"
	case 0x30b:
		return "OŐUŰoőuűУӲуӳ"
	case 0x30c:
		return "AǍCČDĎEĚGǦHȞIǏKǨLĽNŇOǑRŘSŠTŤUǓZŽaǎcčdďeěgǧhȟiǐjǰkǩlľnňoǒrřsštťuǔzžÜǙüǚƷǮʒǯ"
	case 0x323:
		return "AẠBḄDḌEẸHḤIỊKḲLḶMṂNṆOỌRṚSṢTṬUỤVṾWẈYỴZẒaạbḅdḍeẹhḥiịkḳlḷmṃnṇoọrṛsṣtṭuụvṿwẉyỵzẓÂẬÊỆÔỘâậêệôộĂẶăặƠỢơợƯỰưựṠṨṡṩ"
	case 0x327:
		return "CÇDḐEȨGĢHḨKĶLĻNŅRŖSŞTŢcçdḑeȩgģhḩkķlļnņrŗsştţĆḈćḉĔḜĕḝ"
	case 0x328:
		return "AĄEĘIĮOǪUŲaąeęiįoǫuųŌǬōǭ"
	case 0x331:
		return "BḆDḎKḴLḺNṈRṞTṮZẔbḇdḏhẖkḵlḻnṉrṟtṯzẕ"
	case 0x338:
		return "<≮=≠>≯←↚→↛↔↮⇐⇍⇒⇏⇔⇎∃∄∈∉∋∌∣∤∥∦∼≁≃≄≅≇≈≉≍≭≡≢≤≰≥≱≲≴≳≵≶≸≷≹≺⊀≻⊁≼⋠≽⋡⊂⊄⊃⊅⊆⊈⊇⊉⊑⋢⊒⋣⊢⊬⊨⊭⊩⊮⊫⊯⊲⋪⊳⋫⊴⋬⊵⋭"
	}
	return ""
}
