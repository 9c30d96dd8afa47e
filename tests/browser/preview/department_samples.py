"""Departments: their list with a form that was refused, and what may be chosen of them."""

from __future__ import annotations

from api.pages.departments.views import DepartmentItem, DepartmentsView, TypedDepartment
from api.pages.frame.choices import Choice
from tests.browser.preview.selling_samples import DeskSamples

ROWS = (
    ("MKT", "市场部", "Marketing", 0, 12),
    ("MKT-01", "品牌与活动组", "Brand and events", 1, 4),
    ("RND", "研发中心", "Research and development", 0, 86),
)


def choices(s: DeskSamples) -> tuple[Choice, ...]:
    """As a select offers them."""
    return s.departments()


def departments(s: DeskSamples, *, wrong: bool = False) -> DepartmentsView:
    """Two with a part, and an archived one; `wrong`: a new one's code is another's."""
    rows = tuple(
        DepartmentItem(
            id=f"d{n}",
            name=s.pick(zh, en),
            code=code,
            level=level,
            members=members,
            is_archived=False,
            typed=TypedDepartment(code, zh, en, "d0" if level else ""),
            parents=choices(s),
        )
        for n, (code, zh, en, level, members) in enumerate(ROWS)
    )
    old = DepartmentItem(
        "d9", s.pick("行政部", "Administration"), "ADM", 0, 0, is_archived=True, typed=TypedDepartment()
    )
    taken = s.pick(
        "已有部门使用这个代码。没有数据被改动。请换一个代码，或修改、恢复已有的部门。",
        "Another department has this code. Nothing was changed. Choose another code, or change or restore the one that has it.",
    )
    return DepartmentsView(
        rows,
        (old,),
        TypedDepartment("MKT", s.pick("市场二部", "Marketing two")) if wrong else TypedDepartment(),
        choices(s),
        wrong="new" if wrong else "",
        error=taken if wrong else "",
        error_field="code" if wrong else "",
    )
