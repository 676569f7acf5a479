"""The router. `lab dashboard` runs it: `python -m streamlit run dashboard/app.py -- DATABASE`."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
if str(_HERE.parent) not in sys.path:  # Streamlit puts only this folder there
    sys.path.insert(0, str(_HERE.parent))

import streamlit as st  # noqa: E402

from dashboard.data import database  # noqa: E402
from dashboard.views import campaign, history, overview, people, timeline  # noqa: E402

__all__ = ["main"]


_STYLE = """<style>
.stMainBlockContainer { padding: 2.6rem 2.4rem 3rem; max-width: 1500px; }
.stMainBlockContainer h1 { font-size: 1.9rem; padding: 0 0 .5rem; }
.stMainBlockContainer h3 { font-size: 1.25rem; padding: .9rem 0 .5rem; }
</style>"""


def main() -> None:
    """Set up the page that was asked for, and the side bar that all share."""
    # The icon is a file of ours: with a named icon alone the browser would fetch one from elsewhere.
    icon = str(_HERE / "icon.png")
    st.set_page_config(page_title="Labwright", page_icon=icon, layout="wide")
    page = st.navigation(
        {
            "Laboratory": [
                st.Page(
                    overview.show,
                    title="Overview",
                    icon=":material/monitor_heart:",
                    default=True,
                ),
                st.Page(people.show, title="Tasks", icon=":material/assignment:", url_path="tasks"),
                st.Page(
                    timeline.show,
                    title="Timeline",
                    icon=":material/view_timeline:",
                    url_path="timeline",
                ),
            ],
            "Results": [
                st.Page(
                    campaign.show,
                    title="Campaign",
                    icon=":material/show_chart:",
                    url_path="campaign",
                ),
                st.Page(
                    history.show, title="Records", icon=":material/table_rows:", url_path="records"
                ),
            ],
        }
    )
    st.html(_STYLE)
    with st.sidebar:
        st.text_input(
            "Your name",
            key="who",
            placeholder="e.g. Ada Lovelace",
            help="It is recorded with everything you ask for on these pages.",
        )
        st.caption(f"Records: {Path(database()).name or 'none named'}")
    page.run()


main()
