r"""What the rule labeler looks for, as tables of regular expressions over lower-case text.

The words follow CheXpert's lists of mentions (Irvin et al., 2019) and what CheXbert makes of them.
"xxxx" stands where the Indiana collection took a word out.
"""

from cxr_demo.findings import Finding

MENTIONS: dict[Finding, tuple[str, ...]] = {
    Finding.CARDIOMEGALY: (
        r"cardiomegaly",
        r"\b(?:cardiac|heart|atrial|ventricular) enlargement",
        r"\benlarged (?:heart|cardiac (?!contour))",
        r"\bincrease\w* in (?:the )?(?:heart|cardiac) size",
    ),
    Finding.ENLARGED_CARDIOMEDIASTINUM: (
        r"mediastin\w+ (?:widening|enlargement|prominence|mass\w*|(?:lymph)?adenopathy)",
        r"\b(?:widen\w*|enlarged|prominent) (?:superior |upper |cardio\s?)?mediastin\w+",
        r"\bprominent (?:right )?paratracheal stripe",
        r"\bparatracheal thickening",
        r"\bprominent vascular pedicle",
        r"pneumomediastinum",
        # CheXbert counts whatever a report places in the mediastinum
        r"\b(?:clips|changes|tissue|opacit\w+|densit\w+|calcification|mass\w*|convexity|interposition)"
        r"\b.{0,40}\b(?:in|within|over\w*|behind|of) the (?:\w+ )?mediastinum",
    ),
    Finding.LUNG_LESION: (
        r"(?<!calcified )(?<!calcified hilar )\bnodul(?:es?|ar)\b"
        r"(?! (?:soft|contour|interstitial))",
        r"\bmass(?:es)?\b(?! effect)",
        r"\bmass-?like",
        r"neoplasm|\btumou?rs?\b|metasta\w+|carcinoma|malignan\w+",
        r"\b(?:cavitary|lung|pulmonary|cystic|mass) lesions?",
        r"\bcavit(?:y|ation)\b",
    ),
    Finding.LUNG_OPACITY: (
        r"(?<!nodular )(?<!bony )(?<!osseous )\bopaci\w+",
        r"infiltrat\w+",
        r"\bair\s?-?space (?:disease|process)\w*",
        r"\bparenchymal (?:disease|process)\w*",
        r"\binterstitial (?:lung )?(?:pattern|disease)",
        r"(?<!prominent )(?<!of )(?<!the )\b(?:pulmonary )?interstitial (?:lung )?markings?",
        r"\breticulation",
        r"(?<!pleural )(?<!thickening/)(?<!or )(?<!parenchymal )\bscar(?:s|ring)?\b",
        r"\b(?:or|pleural-parenchymal) scarring\b",
        r"\b(?:patchy|hazy|airspace) densit\w+",
        r"\bhaziness\b|ground.?glass",
    ),
    Finding.EDEMA: (
        r"(?<!laryngeal )\bo?edema",
        r"\bkerley",
        r"\b(?:fluid|volume) overload",
        r"\b(?:heart|cardiac|ventricular|congestive) failure|\bchf\b",
        r"\bcompatible with (?:\w+ )?(?:vascular|venous) congestion",
    ),
    Finding.CONSOLIDATION: (r"consolidat\w+",),
    Finding.PNEUMONIA: (
        r"pneumoni[ac]s?\b|pneumonitis",
        r"\binfecti(?:on|ons|ous)\b",
    ),
    Finding.ATELECTASIS: (
        r"atelecta\w+",
        r"\b(?:lung|lobar|lobe|partial|complete) collapse",
        r"\bcollapse of the \w+ (?:\w+ )?(?:lung|lobe)",
        r"\bcollapsed (?:lung|lobe)",
    ),
    Finding.PNEUMOTHORAX: (r"pneumothora\w+",),
    Finding.PLEURAL_EFFUSION: (
        r"(?<!pericardial )(?<!joint )\beffusions?",
        r"\bpleural (?:fluid|collection)s?",
        r"h(?:ydro|a?emo)(?:pneumo)?thorax",
        r"\bfluid (?:in|within|along) the (?:\w+ )?(?:fissures?|pleural)",
    ),
    Finding.PLEURAL_OTHER: (
        r"pleur\w+(?:[ /-]parenchymal)? (?:\w+ )?"
        r"(?:thickening|scar\w*|plaques?|calcification|mass|lesions?)",
        r"\bfissural thickening",
        r"\bthickening of the (?:\w+ )?pleura",
        r"empyema|mesothelioma|fibrothorax",
        r"\bfibrosis\b|\bfibrotic (?:change|lung)",  # pulmonary too: it stands in CheXpert's list
    ),
    Finding.FRACTURE: (r"fractur\w+|\bfx\b",),
    Finding.SUPPORT_DEVICES: (
        r"catheters?|\btubes?\b|\bdrains?\b|\bwires?\b|\bpicc?\b",
        r"pacemakers?|\bpacer\b|\bpacing\b|defibrillators?|\ba?icd\b|\blvad\b|\biabp\b",
        r"\bport-?a-?cath\w*|\bmedi-?ports?|\bchest ports?\b|vascath|permcath|swan.ganz",
        r"\b(?:central|venous|picc|subclavian|jugular|ij|arterial|dialysis) (?:\w+ )?lines?\b",
        r"endotracheal|tracheostomy|nasogastric|orogastric|dobbhoff|\bett\b|\bngt\b",
        r"\b(?:e[ck]g|pacemaker|pacing|pacer) leads?\b|\b(?:cabg|graft) markers?",
        r"balloon pump|\bimplanted (?:cardiac )?device|support (?:devices?|apparatus)",
    ),
}

HABITS: dict[Finding, tuple[str, ...]] = {Finding.SUPPORT_DEVICES: (r"\bendplates?\b",)}
"""Words that CheXbert takes for a finding although no reader would: it holds the spine's endplates
for hardware. Followed, because rule-based labels stand beside CheXbert's and are judged by them."""

SUGGESTED: dict[Finding, tuple[str, ...]] = {
    Finding.EDEMA: (r"\bcongestion\b|\bvascular prominence|cephalization",),
}
"""Words that point to a finding without naming it: uncertain unless denied."""

NORMAL = (
    r"^normal\b[.!]?$|\blungs?:?(?: \w+){0,4} clear\b|\bclear lungs\b",
    r"\bnormal (?:chest|study|exam\w*|radiograph)",
    r"\bno (?:\w+ ){0,2}(?:acute|active|significant|abnormalit\w+|findings?|disease)\b",
    r"\bunremarkable\b",
)
"""What speaks for "No Finding" without denying one of the others."""

OTHER_ABNORMALITIES = (
    r"granulom\w*|calcifi\w+|degenerat\w+|sclero\w+|scolio\w+|kypho\w+|dextro\w*|levo\w*|curvature",
    r"osteop\w+|spurr\w+|arthri\w+|arthros\w+|hypertroph\w+|deminerali\w+|\bdeformit\w+|\bpectus",
    r"tortuo\w+|torturous|ectasia|ectatic|aneurysm\w*|unfold\w+|uncoil\w+|valve|epicardial|fat pad",
    r"hernia\w*|emphysem\w+|\bcopd\b|obstructive|hyper(?:infl|exp|lucen)\w+|hypoventil\w+|crowding",
    r"flatten\w+|elevat\w+|eventrat\w+|bronchi(?:ectas|ti)\w+|\bscar\w*|thicken\w+|blunt\w+",
    r"collaps\w+|compress\w+|wedg\w+|lucenc\w+|densit\w+|nodul\w+|\bcysts?\b|lesions?\b",
    r"lymph|adenopathy|paratracheal|azygos|prominen\w+|irregular\w*|obscur\w+|subcutaneous",
    r"foreign bod\w+|bullet|shrapnel|\bsuture|\bpiercing|\bring\b|implants?\b|prosthe\w+",
    r"increased (?:\w+ ){0,2}markings|\binjur\w+|amputat\w+|mastectomy|diverticul\w+|distended",
    r"\b(?:mild|minimal|moderate|severe|small|scattered|several|numerous|old|remote|diffuse)\b"
    r"(?! (?:low|hypo|decreased))",
)
"""What keeps "No Finding" from being true although it is none of the other 13, as CheXbert has it:
other abnormalities, and words of grade and number, which a normal statement has no use for."""
