"""What shipping costs, for everybody."""

from fastapi import APIRouter

from shop.api.schemas import CarrierOut, DestinationOut
from shop.countries import find
from shop.shipping import carriers

router = APIRouter(prefix="/shipping", tags=["shipping"])


@router.get("/{country}")
def destination(country: str) -> DestinationOut:
    """Who takes parcels to a country, and for how much."""
    return DestinationOut(
        country=find(country).name,
        carriers=[CarrierOut.of(carrier) for carrier in carriers(country)],
    )
