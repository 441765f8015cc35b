"""What the rule labeler looks for: words that name a finding, as one table.

Each entry is a regular expression over lower-case text. Where CheXbert's habits differ from a plain
reading, its habit is followed only if a radiologist would still agree (see `rules`).
"""


from cxr_demo.findings import Finding

_LUNG_PLACE = (
    r"(?:lungs?|lobes?|lobar|bases?|bibasilar|basilar|basal|bibasal|apex|apices|apical|biapical|"
    r"lingul\w*|perihilar|suprahilar|infrahilar|retrocardiac|midlungs?|mid\s?zones?|zones?|"
    r"pulmonary|parenchymal|subpleural|airspaces?)"
)

MENTIONS: dict[Finding, str] = {
    Finding.CARDIOMEGALY: (
        r"cardiomegaly|(?:cardiac|heart) enlargement|enlarged (?:heart|cardiac)|"
        r"(?:left |right |bi)?(?:atrial|ventricular) (?:enlargement|hypertrophy|dilat\w+)|"
        r"megacardia"
    ),
    Finding.ENLARGED_CARDIOMEDIASTINUM: (
        r"(?:mediastin\w+|cardiomediastin\w+) (?:is )?(?:widening|enlargement|prominence|mass\w*)|"
        r"(?:wide\w*|widening of|enlarged|prominent) (?:the )?(?:superior |upper )?(?:cardio\s?)?"
        r"mediastin\w+|mediastinal (?:lymph)?adenopathy|pneumomediastinum"
    ),
    Finding.LUNG_LESION: (
        r"nodul\w+|\bmass(?:es)?\b(?! effect)|neoplas\w+|tumou?rs?\b|metasta\w+|carcinoma|malignan\w+|"
        r"(?:cavitary|lung|pulmonary|cystic) lesions?|cavitation|lesions?\b(?= in the \w+ lung)"
    ),
    Finding.LUNG_OPACITY: (
        r"opaci\w+|infiltrat\w+|air\s?-?space (?:disease|process)\w*|"
        r"(?:interstitial|parenchymal|reticular|alveolar|reticulonodular) (?:lung )?(?:disease|"
        r"prominence|thickening|markings?|changes?|pattern|process|densit\w+|abnormalit\w+)|"
        r"(?:increased|prominent|coarse\w*|chronic) (?:\w+ ){0,2}markings|"
        r"\bscar(?:s|ring|red)?\b|\bfibrosis\b|fibrotic|"
        r"(?:patchy|hazy|streaky|ill-defined|airspace|basilar|bibasilar|vague) (?:\w+ )?densit\w+|"
        r"\bhaziness\b|\bhaze\b|ground.?glass"
    ),
    Finding.EDEMA: (
        r"o?edema|(?:pulmonary |central |mild |pulmonary venous )?(?:vascular|venous) congestion|"
        r"vascular (?:prominence|engorgement|redistribution)|cephalization|kerley|"
        r"(?:fluid|volume) overload|(?:heart|cardiac|ventricular) failure|\bchf\b|"
        r"congestive (?:changes?|failure)"
    ),
    Finding.CONSOLIDATION: r"consolidat\w+",
    Finding.PNEUMONIA: r"pneumoni[ac]s?\b|pneumonitis|\binfecti(?:on|ons|ous)\b|bronchopneumonia",
    Finding.ATELECTASIS: (
        r"atelecta\w+|(?:lung|lobar|lobe|partial|complete|volume|\w+-lobe) collapse|"
        r"collapse of the \w+ (?:\w+ )?(?:lung|lobe)|collapsed (?:lung|lobe)|volume loss"
    ),
    Finding.PNEUMOTHORAX: r"pneumothora\w+|hydropneumothora\w+|pneumothorac\w+",
    Finding.PLEURAL_EFFUSION: (
        r"effusions?|pleural (?:fluid|collection)s?|hydrothorax|h(?:a)?emothorax|"
        r"hydropneumothora\w+|fluid (?:in|within|along) the (?:\w+ )?(?:fissures?|pleural)"
    ),
    Finding.PLEURAL_OTHER: (
        r"pleur\w+(?:[ -]parenchymal)?(?: \w+)? ?(?:thickening|scar\w*|plaques?|calcification|"
        r"fibrosis|mass|abnormalit\w+|lesions?)|pleuroparenchymal scar\w*|"
        r"(?:apical|biapical) (?:pleural )?(?:cap|capping|thickening)|"
        r"thicken\w+ of the (?:\w+ )?pleura|empyema|mesothelioma|fibrothorax|pleural plaques?"
    ),
    Finding.FRACTURE: r"fractur\w+|\bfx\b",
    Finding.SUPPORT_DEVICES: (
        r"catheters?|\btubes?\b|\bpicc?\b|pacemakers?|pacer\b|pacing|"
        r"defibrillators?|\bicd\b|\baicd\b|port-?a-?\w+|medi-?ports?|\bchest ports?\b|"
        r"(?:central|venous|picc|subclavian|jugular|\bij|arterial|dialysis) (?:\w+ )?lines?\b|"
        r"endotracheal|tracheostomy|nasogastric|orogastric|enteric tube|dobbhoff|\bett\b|\bngt\b|"
        r"swan|\biabp\b|balloon pump|\blvad\b|drains?\b|vascath|permcath|"
        r"support (?:devices?|apparatus)|stimulator|generator|implanted (?:cardiac )?device"
    ),
}

OTHER_ABNORMALITIES = (
    r"granuloma\w*|calcifi\w+|degenerat\w+|scolio\w+|kypho\w+|spondyl\w+|osteophyt\w+|spurr\w+|"
    r"arthri\w+|arthros\w+|hypertroph\w+|osteop\w+|deminerali\w+|tortuo\w+|torturous|atheroscl\w+|"
    r"ectasia|ectatic|aneurysm\w*|unfold\w+|uncoil\w+|hernia\w*|emphysem\w+|\bcopd\b|"
    r"hyperinfl\w+|hyperexp\w+|hyperlucen\w+|hyperaerat\w+|flatten\w+|elevat\w+|eventrat\w+|"
    r"bronchi(?:ectas\w+|t\w+)|crowding|\bscar\w*|thicken\w+|blunt\w+|\bdeformit\w+|\bcysts?\b|"
    r"curvature|prominen\w+|sternotomy|\bcabg\b|bypass|post-?(?:surgical|operative)|mastectomy|"
    r"lymph|adenopathy|lucenc\w+|densit\w+|sclero\w+|lesions?\b|collaps\w+|compress\w+|wedg\w+"
)
"""What keeps "No Finding" from being true although it is none of the other 13, as in CheXpert."""
