//! A piece of a role's colour and pattern, as on the map.

use yew::prelude::*;

use crate::charts::{Area, Pattern};

const AREA: Area = Area {
    left: 0.0,
    top: 0.0,
    right: 26.0,
    bottom: 14.0,
};

/// The same lines as on the map for the role of this index, drawn in the document.
pub(super) fn swatch(role: u8) -> Html {
    let fill = format!("fill: var(--role-{role})");
    let hatch = format!("stroke: var(--hatch-{role})");
    html! {
        <svg class="swatch" viewBox="0 0 26 14" width="26" height="14" aria-hidden="true">
            <rect width="26" height="14" style={fill} />
            <g style={hatch}>
                for [(x1, y1), (x2, y2)] in Pattern::of_role(role).strokes(AREA) {
                    <line
                        x1={x1.to_string()}
                        y1={y1.to_string()}
                        x2={x2.to_string()}
                        y2={y2.to_string()}
                    />
                }
            </g>
        </svg>
    }
}
