"""What the rule labeler looks for: words that name a finding, as one table.

Each entry is a regular expression over lower-case text. Where CheXbert's habits differ from a plain
reading, its habit is followed only if a radiologist would still agree (see `rules`).
"""

from cxr_demo.findings import Finding

MENTIONS: dict[Finding, str] = {
    Finding.CARDIOMEGALY: (
        r"cardiomegaly|\b(?:cardiac|heart) enlargement|\benlarged (?:heart|cardiac (?!contour))|"
        r"\b(?:atrial|ventricular) enlargement|"
        r"\bincrease\w* in (?:the )?(?:heart|cardiac) size"
    ),
    Finding.ENLARGED_CARDIOMEDIASTINUM: (
        r"mediastin\w+ (?:widening|enlargement|prominence|mass\w*|(?:lymph)?adenopathy)|"
        r"\b(?:widen\w*|enlarged|prominent) (?:superior |upper |cardio\s?)?mediastin\w+|"
        r"\bprominent (?:right )?paratracheal stripe|\bparatracheal thickening|"
        r"\bprominent vascular pedicle|pneumomediastinum|"
        r"\b(?:in|within|over\w*|behind|(?:changes|base|opacity) of) the (?:\w+ )?mediastinum"
    ),
    Finding.LUNG_LESION: (
        r"(?<!calcified )(?<!calcified hilar )\bnodul(?:es?|ar)\b(?! (?:soft|contour|interstitial))|\bmass(?:es)?\b(?! effect)|"
        r"neoplasm|\btumou?rs?\b|metasta\w+|carcinoma|malignan\w+|"
        r"\b(?:cavitary|lung|pulmonary|cystic|mass) lesions?|\bcavit(?:y|ation)\b|\bmass-?like"
    ),
    Finding.LUNG_OPACITY: (
        r"(?<!nodular )(?<!bony )(?<!osseous )\bopaci(?!f\w* of the sinus)\w+|infiltrat\w+|"
        r"\bair\s?-?space (?:disease|process)\w*|\bparenchymal (?:disease|process)\w*|"
        r"(?<!prominent )(?<!of )(?<!the )\b(?:pulmonary )?interstitial (?:lung )?(?:markings?|pattern|disease)|\breticulation|"
        r"(?<!pleural )(?<!thickening/)(?<!or )(?<!parenchymal )\bscar(?:s|ring)?\b|"
        r"(?<=or )\bscarring\b|(?<=pleural-parenchymal )scarring|"
        r"\b(?:patchy|hazy|airspace) densit\w+|\bhaziness\b|ground.?glass"
    ),
    Finding.EDEMA: (
        r"(?<!laryngeal )\bo?edema|\bkerley|\b(?:fluid|volume) overload|"
        r"\b(?:heart|cardiac|ventricular) failure|\bchf\b|\bcongestive failure|"
        r"\bcompatible with (?:\w+ )?(?:vascular|venous) congestion"
    ),
    Finding.CONSOLIDATION: r"consolidat\w+",
    Finding.PNEUMONIA: r"pneumoni[ac]s?\b|pneumonitis|\binfecti(?:on|ons|ous)\b|bronchopneumonia",
    Finding.ATELECTASIS: (
        r"atelecta\w+|(?:lung|lobar|lobe|partial|complete) collapse|"
        r"collapse of the \w+ (?:\w+ )?(?:lung|lobe)|collapsed (?:lung|lobe)"
    ),
    Finding.PNEUMOTHORAX: r"pneumothora\w+|hydropneumothora\w+|pneumothorac\w+",
    Finding.PLEURAL_EFFUSION: (
        r"effusions?|pleural (?:fluid|collection)s?|hydrothorax|h(?:a)?emothorax|"
        r"hydropneumothora\w+|fluid (?:in|within|along) the (?:\w+ )?(?:fissures?|pleural)"
    ),
    Finding.PLEURAL_OTHER: (
        r"pleur\w+(?:[ /-]parenchymal)? (?:\w+ )?(?:thickening|scar\w*|plaques?|calcification|"
        r"mass|lesions?)|\bpleuro-?parenchymal scar\w*|\bfissural thickening|"
        r"thickening of the (?:\w+ )?pleura|empyema|mesothelioma|"
        r"\bfibrosis\b|fibrothorax|\bfibrotic (?:change|lung)"  # so does CheXpert's own list
    ),
    Finding.FRACTURE: r"fractur\w+|\bfx\b",
    Finding.SUPPORT_DEVICES: (
        r"catheters?|\btubes?\b|\bpicc?\b|pacemakers?|pacer\b|pacing|"
        r"defibrillators?|\ba?icd\b|\bport-?a-?cath\w*|\b\bmedi-?ports?|\bchest ports?\b|"
        r"(?:central|venous|picc|subclavian|jugular|\bij|arterial|dialysis) (?:\w+ )?lines?\b|"
        r"endotracheal|tracheostomy|nasogastric|orogastric|enteric tube|dobbhoff|\bett\b|\bngt\b|"
        r"swan|\biabp\b|balloon pump|\blvad\b|drains?\b|vascath|permcath|"
        r"\bwires?\b|\b(?:e[ck]g|pacemaker|pacing|pacer) leads?\b|support (?:devices?|apparatus)|\b(?:cabg|graft) markers?|implanted (?:cardiac )?device"
    ),
}

HABITS: dict[Finding, str] = {Finding.SUPPORT_DEVICES: r"\bendplates?\b"}
"""Words that CheXbert takes for a finding although no reader would: it holds the spine's endplates
for hardware. Followed, because rule-based labels stand beside CheXbert's and are judged by them."""

NORMAL = (
    r"\b(?:lungs?|lung fields?|lungs fields)(?: \w+){0,4} clear\b|\bclear lungs\b|"
    r"\bnormal (?:chest|study|exam\w*|radiograph)|\bno (?:\w+ ){0,2}(?:acute|active|significant)|"
    r"\bno (?:\w+ ){0,2}(?:abnormalit\w+|findings?|disease)\b|\bunremarkable\b"
)
"""What speaks for "No Finding" without naming one of the others."""

SUGGESTED: dict[Finding, str] = {
    Finding.EDEMA: r"\b(?:vascular|venous) (?:congestion|prominence)|cephalization|\bcongestion\b",
}
"""Words that point to a finding without naming it: uncertain unless denied."""

OTHER_ABNORMALITIES = (
    r"granulom\w*|calcifi\w+|degenerat\w+|scolio\w+|kypho\w+|osteophyt\w+|spurr\w+|"
    r"arthri\w+|arthros\w+|hypertroph\w+|osteop\w+|deminerali\w+|tortuo\w+|torturous|atheroscl\w+|"
    r"ectasia|ectatic|aneurysm\w*|unfold\w+|uncoil\w+|hernia\w*|emphysem\w+|\bcopd\b|obstructive|"
    r"hyperinfl\w+|hyperexp\w+|hyperlucen\w+|flatten\w+|elevat\w+|eventrat\w+|"
    r"bronchi(?:ectas\w+|ti\w+)|crowding|\bscar\w*|thicken\w+|blunt\w+|\bdeformit\w+|\bcysts?\b|"
    r"curvature|prominen\w+|mastectomy|implants?\b|prosthe\w+|"
    r"lymph|adenopathy|lucenc\w+|densit\w+|sclero\w+|lesions?\b|collaps\w+|compress\w+|wedg\w+|"
    r"foreign bod\w+|bullet|shrapnel|\bsuture|\bpiercing|\bring\b|\binjur\w+|"
    r"amputat\w+|azygos|\bpectus|epicardial|fat pad|subcutaneous|diverticul\w+|distended|"
    r"irregular\w*|obscur\w+|nodul\w+|dextro\w*|levo\w*|valve|hypoventil\w+|paratracheal|"
    r"\b(?:mild|minimal|moderate|severe|small|scattered|several|numerous|old|remote|diffuse)\b"
    r"(?! (?:low|hypo|decreased))"
)
"""What keeps "No Finding" from being true although it is none of the other 13, as CheXbert has it:
other abnormalities, and words of grade and number, which a normal statement has no use for."""
