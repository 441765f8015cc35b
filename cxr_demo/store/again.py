"""Images that were read once more after a resume: their outputs, compared with the rows."""

from typing import Any, NamedTuple

from cxr_demo.store.connection import Opened


class Reread(NamedTuple):
    """One output of an image that was read again after the resume named `resume`."""

    resume: str
    position: int
    report: str
    stop: str | None


class AgainReader(Opened):
    """What a store tells of them."""

    def again(self, run: str) -> list[Reread]:
        """All outputs of images that were read again."""
        rows = self._connection.execute(
            "SELECT resume, position, report, stop FROM again WHERE arm = ? "
            "ORDER BY resume, position",
            (run,),
        )
        return [Reread(*row) for row in rows]

    def again_unlabelled(self, run: str, labeler: str, most: int) -> list[Reread]:
        """Those that `labeler` has not labelled, at most `most`."""
        rows = self._connection.execute(
            "SELECT resume, position, report, stop FROM again WHERE arm = ?1 AND NOT EXISTS "
            "(SELECT 1 FROM again_label AS made WHERE made.arm = ?1 AND made.labeler = ?2 "
            "AND made.resume = again.resume AND made.position = again.position) "
            "ORDER BY resume, position LIMIT ?3",
            (run, labeler, most),
        )
        return [Reread(*row) for row in rows]

    def again_counts(self, run: str) -> dict[str, Any]:
        """JSON-ready: `resumes`, `images` that were read again and have an output in their row,
        `texts_differ` of them, and by labeler how many both have and how many `differ`."""
        resumes, images, texts = self._connection.execute(
            "SELECT COUNT(DISTINCT resume), COUNT(*), SUM(text.report != again.report) "
            "FROM again JOIN text ON text.arm = again.arm AND text.position = again.position "
            "WHERE again.arm = ?",
            (run,),
        ).fetchone()
        rows = self._connection.execute(
            "SELECT made.labeler, COUNT(*), "
            "SUM(label.codes != made.codes OR label.unparsed != made.unparsed) "
            "FROM again_label AS made JOIN label ON label.arm = made.arm "
            "AND label.labeler = made.labeler AND label.position = made.position "
            "WHERE made.arm = ? GROUP BY made.labeler ORDER BY made.labeler",
            (run,),
        )
        return {
            "resumes": resumes,
            "images": images,
            "texts_differ": texts or 0,
            "labels": {name: {"images": both, "differ": other} for name, both, other in rows},
        }
