"""The emulated AWS Service Catalog: portfolios, products, shares, launches."""

from catalog.localaws.servicecatalog.service import ServiceCatalog

__all__ = ["ServiceCatalog"]
