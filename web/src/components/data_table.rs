//! The numbers behind a chart.

use web_sys::HtmlDetailsElement;
use yew::prelude::*;

/// Properties of [`DataTable`].
#[derive(Properties, PartialEq)]
pub(super) struct DataTableProps {
    /// Name of the table.
    pub name: AttrValue,
    /// Names of the columns, the first being that of the rows.
    pub columns: &'static [&'static str],
    /// The rows; asked for only while the table is open.
    pub rows: Callback<(), Vec<Vec<String>>>,
}

/// A table that opens.
#[component]
pub(super) fn DataTable(props: &DataTableProps) -> Html {
    let open = use_state_eq(|| false);
    let ontoggle = {
        let open = open.clone();
        move |event: Event| open.set(event.target_unchecked_into::<HtmlDetailsElement>().open())
    };
    html! {
        <details class="data" {ontoggle}>
            <summary>{ "Numbers" }</summary>
            if *open {
                <div class="scroll" role="region" aria-label={&props.name} tabindex="0">
                    { table(&props.name, props.columns, props.rows.emit(()), None) }
                </div>
            }
        </details>
    }
}

/// A table of numbers, the first column being names of the rows. One row may be the current one.
pub(super) fn table(
    name: &AttrValue,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
    current: Option<usize>,
) -> Html {
    html! {
        <table aria-label={name}>
            <thead>
                <tr>
                    for (position, column) in columns.iter().enumerate() {
                        <th scope="col" class={(position > 0).then_some("number")}>{ *column }</th>
                    }
                </tr>
            </thead>
            <tbody>
                for (index, row) in rows.into_iter().enumerate() {
                    <tr aria-current={(current == Some(index)).then_some("true")}>
                        for (position, cell) in row.into_iter().enumerate() {
                            if position == 0 {
                                <th scope="row" class="number">{ cell }</th>
                            } else {
                                <td class="number">{ cell }</td>
                            }
                        }
                    </tr>
                }
            </tbody>
        </table>
    }
}
