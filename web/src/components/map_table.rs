//! The memory map as a table.

use yew::prelude::*;

use super::hooks::use_late;
use super::legend::role_name;
use crate::protocol::PlanView;
use crate::state::{Shared, text};

/// Properties of [`MapTable`].
#[derive(Properties, PartialEq)]
pub(super) struct MapTableProps {
    /// The plan on the map.
    pub plan: Shared<PlanView>,
}

/// Every tensor in numbers, a moment after the map.
#[component]
pub(super) fn MapTable(props: &MapTableProps) -> Html {
    let plan = use_late(&props.plan);
    let number = |value: u64| text::number(value);
    html! {
        <div class="scroll" role="region" aria-label="All tensors" tabindex="0">
            <table aria-label="Memory map as a table">
                <thead>
                    <tr>
                        <th scope="col">{ "Tensor" }</th>
                        <th scope="col">{ "Role" }</th>
                        <th scope="col">{ "Layout" }</th>
                        <th scope="col" class="number">{ "Bytes" }</th>
                        <th scope="col" class="number">{ "First byte" }</th>
                        <th scope="col" class="number">{ "End" }</th>
                        <th scope="col" class="number">{ "Born" }</th>
                        <th scope="col" class="number">{ "Dies" }</th>
                    </tr>
                </thead>
                <tbody>
                    for (index, tensor) in plan.tensors.iter().enumerate() {
                        <tr key={index}>
                            <th scope="row">{ &tensor.name }</th>
                            <td>{ role_name(tensor.role) }</td>
                            <td>{ &tensor.layout }</td>
                            <td class="number">{ number(tensor.size_bytes.into()) }</td>
                            <td class="number">{ number(tensor.offset.into()) }</td>
                            <td class="number">
                                { number(u64::from(tensor.offset) + u64::from(tensor.size_bytes)) }
                            </td>
                            <td class="number">{ number(u64::from(tensor.first_op) + 1) }</td>
                            <td class="number">{ number(u64::from(tensor.last_op) + 1) }</td>
                        </tr>
                    }
                </tbody>
            </table>
        </div>
    }
}
